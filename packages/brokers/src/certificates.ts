import 'reflect-metadata'
import { webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import {
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  type X509Certificate,
  X509CertificateGenerator,
} from '@peculiar/x509'

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' } as const
const dayMs = 24 * 3_600_000

/** A certificate and its key, in PEM. */
export interface Certificate {
  readonly cert: string
  readonly key: string
}

/** What a client must trust or refuse: one good server certificate and each kind of bad one. */
export interface TestCertificates {
  /** The authority that signed `valid`, `expired` and `wrongHost`; trust it and only `valid` is acceptable. */
  readonly ca: string
  readonly valid: Certificate
  /** For the right host, until yesterday. */
  readonly expired: Certificate
  /** For `elsewhere.invalid`. */
  readonly wrongHost: Certificate
  /** For the right host, signed by nobody. */
  readonly selfSigned: Certificate
}

/** Makes a fresh authority and server certificates for `hosts`; keys exist only in memory and in the container. */
export async function makeCertificates(hosts: readonly string[]): Promise<TestCertificates> {
  const now = Date.now()
  const current = { notBefore: new Date(now - dayMs), notAfter: new Date(now + 30 * dayMs) }
  const past = { notBefore: new Date(now - 30 * dayMs), notAfter: new Date(now - dayMs) }
  const caKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const ca = await X509CertificateGenerator.createSelfSigned({
    name: 'CN=Waybill test authority',
    keys: caKeys,
    signingAlgorithm: algorithm,
    ...current,
    extensions: [
      new BasicConstraintsExtension(true, 0, true),
      new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
    ],
  })
  const signed = async (names: readonly string[], period: typeof current): Promise<Certificate> => {
    const keys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
    return inPem(
      keys,
      await X509CertificateGenerator.create({
        subject: `CN=${names[0]}`,
        issuer: ca.subject,
        publicKey: keys.publicKey,
        signingKey: caKeys.privateKey,
        signingAlgorithm: algorithm,
        extensions: serverExtensions(names),
        ...period,
      }),
    )
  }
  const ownKeys = await webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])
  const own = await X509CertificateGenerator.createSelfSigned({
    name: `CN=${hosts[0]}`,
    keys: ownKeys,
    signingAlgorithm: algorithm,
    extensions: serverExtensions(hosts),
    ...current,
  })
  return {
    ca: ca.toString('pem'),
    valid: await signed(hosts, current),
    expired: await signed(hosts, past),
    wrongHost: await signed(['elsewhere.invalid'], current),
    selfSigned: await inPem(ownKeys, own),
  }
}

function serverExtensions(names: readonly string[]) {
  return [
    new BasicConstraintsExtension(false, undefined, true),
    new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
    new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
    new SubjectAlternativeNameExtension(names.map((value) => ({ type: isIP(value) > 0 ? 'ip' : 'dns', value }))),
  ]
}

async function inPem(keys: webcrypto.CryptoKeyPair, certificate: X509Certificate): Promise<Certificate> {
  const key = await webcrypto.subtle.exportKey('pkcs8', keys.privateKey)
  return { cert: certificate.toString('pem'), key: PemConverter.encode(key, 'PRIVATE KEY') }
}
