/** An upload must bring so much in so long, or it holds a connection and a file for nothing (promises A21). */
export const leastRate = { bytes: 32_768, everyMs: 30_000 }

/** What is watched: a socket, or what stands for one. */
interface Counting {
  readonly bytesRead?: number
}

/** Calls `tooSlow` once a sender brings less than `leastRate` asks for; answers the function that ends watching. */
export function watchRate(socket: Counting, tooSlow: () => void): () => void {
  let before = socket.bytesRead ?? 0
  const timer = setInterval(() => {
    const now = socket.bytesRead ?? 0
    if (now - before < leastRate.bytes) tooSlow()
    before = now
  }, leastRate.everyMs)
  return () => clearInterval(timer)
}
