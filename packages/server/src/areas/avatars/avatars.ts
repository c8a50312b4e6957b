// Pictures of people: a letter on a colour, made from a name. Widgets ask for one of any name, known or not.

export interface Letter {
  letter: string
  colour: string
}

// Dark enough for white letters on them to be read (contrast of 4.5 and more).
const colours = ['#b3261e', '#8c4a00', '#4f6400', '#1b6d2f', '#00696d', '#0b5fa8', '#4a53b8', '#7b41a8', '#a0316f']

/** The first letter or digit of a name, and the colour that the name always has. */
export function letterOf(name: string): Letter {
  const [letter = '?'] = /[\p{L}\p{N}]/u.exec(name) ?? []
  let sum = 0
  for (const sign of name) sum = (sum * 31 + (sign.codePointAt(0) ?? 0)) % 65_521
  return { letter: letter.toUpperCase(), colour: colours[sum % colours.length] ?? '' }
}

/** The picture. A letter or digit is all that it takes of the name, so nothing in it needs escaping. */
export function drawLetter({ letter, colour }: Letter, size: number): string {
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 200 200" width="${String(size)}" height="${String(size)}">`,
    `<rect width="100%" height="100%" fill="${colour}"/>`,
    '<text x="50%" y="50%" dy="0.36em" fill="#fff" text-anchor="middle" font-family="sans-serif" font-size="110">',
    `${letter}</text></svg>`,
  ].join('')
}

/** A length in pixels as it was asked for, within what makes sense; 200 where nobody asked. */
export function sizeOf(asked: string | undefined): number {
  const size = Number.parseInt(asked ?? '', 10)
  return Number.isNaN(size) ? 200 : Math.min(Math.max(size, 16), 1_024)
}
