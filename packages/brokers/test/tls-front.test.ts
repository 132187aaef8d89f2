import { connect } from 'node:tls'
import { afterAll, expect, test } from 'vitest'
import { makeCertificates } from '../src/certificates.ts'
import { startTlsFront } from '../src/index.ts'
import { startEchoServer } from './echo-server.ts'

const certificates = await makeCertificates(['localhost', '127.0.0.1'])
const echo = await startEchoServer()
afterAll(() => echo[Symbol.asyncDispose]())

test.each([
  ['valid', 'accepted'],
  ['expired', 'CERT_HAS_EXPIRED'],
  ['wrongHost', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['selfSigned', 'DEPTH_ZERO_SELF_SIGNED_CERT'],
] as const)('a client that trusts the authority meets a certificate that is %s: %s', async (kind, outcome) => {
  await using front = await startTlsFront({
    target: { host: '127.0.0.1', port: echo.port },
    certificate: certificates[kind],
  })
  const met = await new Promise<string>((resolve) => {
    const socket = connect({ host: 'localhost', port: front.port, ca: certificates.ca })
    socket.on('error', (error: NodeJS.ErrnoException) => resolve(error.code ?? error.message))
    socket.on('data', () => {
      socket.destroy()
      resolve('accepted')
    })
    socket.on('secureConnect', () => socket.write('hello'))
  })
  expect(met).toBe(outcome)
})
