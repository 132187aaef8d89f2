export const profileNames = ['individual', 'log', 'lease', 'push'] as const
export type ProfileName = (typeof profileNames)[number]
