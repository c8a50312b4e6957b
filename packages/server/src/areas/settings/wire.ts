import type { Setting } from './settings.ts'

/** A setting as consoles know it (contract §E.3). `sorter` is its place in the list that it comes from. */
export function settingToWire(setting: Setting, sorter: number) {
  const { id, definition, value, isFixed, createdAt, updatedAt } = setting
  return {
    _id: id,
    type: definition.type,
    value,
    packageValue: definition.default,
    valueSource: isFixed ? ('processEnvValue' as const) : ('packageValue' as const),
    group: definition.group,
    section: definition.section,
    public: definition.public,
    hidden: false,
    blocked: isFixed,
    secret: definition.secret === true,
    sorter,
    i18nLabel: id,
    i18nDescription: `${id}_Description`,
    autocomplete: true,
    values: definition.values?.map((key) => ({ key, i18nLabel: key })),
    requiredOnWizard: false,
    env: isFixed,
    ts: createdAt,
    createdAt,
    _updatedAt: updatedAt,
  }
}
