import type { TestCertificates } from './certificates.ts'
import { startTlsFront, type TlsFront } from './tls-front.ts'

export interface TlsFaultsOptions<D> {
  readonly certificates: TestCertificates
  /** `host:port` of the broker's listener with TLS. */
  readonly secure: string
  /** `host:port` of the one without. */
  readonly plain: string
  /** A driver that speaks TLS to that `host:port`. */
  readonly driverAt: (host: string, options: { readonly tls?: { readonly ca: string } }) => D
}

export interface TlsFaults<D> {
  /** For one good certificate and several bad ones, by the names that the conformance kit asks for. */
  readonly drivers: {
    validCertificate(): D
    selfSignedCertificate(): Promise<D>
    expiredCertificate(): Promise<D>
    wrongHostCertificate(): Promise<D>
    plainTextForTls(): D
  }
  /** Ends what shows bad certificates. */
  close(): Promise<void>
}

export function tlsFaults<D>({ certificates, secure, plain, driverAt }: TlsFaultsOptions<D>): TlsFaults<D> {
  const trusting = { tls: { ca: certificates.ca } }
  const fronts: TlsFront[] = []
  const behind = async (kind: 'selfSigned' | 'expired' | 'wrongHost'): Promise<D> => {
    const [host = '', port] = plain.split(':')
    const front = await startTlsFront({ target: { host, port: Number(port) }, certificate: certificates[kind] })
    fronts.push(front)
    return driverAt(`localhost:${front.port}`, kind === 'selfSigned' ? {} : trusting)
  }
  return {
    drivers: {
      validCertificate: () => driverAt(secure, trusting),
      selfSignedCertificate: () => behind('selfSigned'),
      expiredCertificate: () => behind('expired'),
      wrongHostCertificate: () => behind('wrongHost'),
      plainTextForTls: () => driverAt(plain, trusting),
    },
    async close() {
      for (const front of fronts.splice(0)) await front.close()
    },
  }
}
