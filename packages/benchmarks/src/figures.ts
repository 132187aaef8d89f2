import type { Ratio } from './statistics.ts'

export function whole(value: number): string {
  return Number.isFinite(value) ? Math.round(value).toLocaleString('en-US') : '-'
}

export function decimal(value: number, digits = 1): string {
  return Number.isFinite(value) ? value.toFixed(digits) : '-'
}

/** `0.98 [0.97, 1.00]` */
export function interval({ value, low, high }: Ratio): string {
  return `${value.toFixed(2)} [${low.toFixed(2)}, ${high.toFixed(2)}]`
}

export function mebibytes(bytes: number): string {
  return `${decimal(bytes / 2 ** 20)} MiB`
}

/** `100 B`, `1 KiB` */
export function payloadSize(bytes: number): string {
  return bytes >= 1_024 && bytes % 1_024 === 0 ? `${bytes / 1_024} KiB` : `${bytes} B`
}
