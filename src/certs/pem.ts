// PEM (RFC 7468): finds the blocks of a text, and writes bytes as a block.

export interface PemBlock {
  /** `CERTIFICATE`, `PRIVATE KEY`, `RSA PRIVATE KEY` ... */
  readonly label: string
  /** The block with its BEGIN and END lines. */
  readonly text: string
}

/** The blocks of a text, in their order. Text between them is ignored. */
export function pemBlocks(text: string): PemBlock[] {
  const blocks = text.matchAll(/-----BEGIN ([A-Z0-9 ]+)-----[^-]+-----END \1-----/g)
  return [...blocks].map(([whole, label = '']) => ({ label, text: `${whole.replaceAll('\r', '')}\n` }))
}

export function pem(label: string, bytes: Uint8Array): string {
  const base64 = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64')
  let text = `-----BEGIN ${label}-----\n`
  for (let at = 0; at < base64.length; at += 64) text += `${base64.slice(at, at + 64)}\n`
  return `${text}-----END ${label}-----\n`
}
