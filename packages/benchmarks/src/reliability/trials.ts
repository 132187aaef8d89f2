export const trials = ['sends', 'deliveries', 'kills', 'block'] as const

export type Trial = (typeof trials)[number]
