import * as zlib from 'node:zlib'
import { promisify } from 'node:util'
// Node finds no named export of that in kafkajs.
import kafkajs from 'kafkajs'

type Decompress = (bytes: Buffer) => Promise<Buffer>

/** What Node has itself, by Kafka's numbers; zstd from 22.15 on. */
const built: { readonly [codec: number]: Decompress | undefined } = {
  1: promisify(zlib.gunzip),
  4: typeof zlib.zstdDecompress === 'function' ? promisify(zlib.zstdDecompress) : undefined,
}

/**
 * Undoes a compression by its number in a batch: https://kafka.apache.org/documentation/#recordbatch
 *
 * What Node does not have is for the program to give to kafkajs, which rejects with KafkaJSNotImplemented until then.
 */
export async function decompress(codec: number, bytes: Buffer): Promise<Buffer> {
  const own = built[codec]
  if (own !== undefined) return own(bytes)
  const given = (kafkajs.CompressionCodecs as { readonly [codec: number]: () => { decompress: Decompress } })[codec]
  if (given === undefined) throw new Error(`a compression that Kafka does not have: ${codec}`)
  return given().decompress(bytes)
}
