// `midwire ca`: the authority that devices are to trust.
import { loadAuthority, MidwireError } from '../index.js'
import type { Arguments } from './arguments.js'
import { settle } from './settings.js'
import type { Streams } from './streams.js'

/** Throws a MidwireError. */
export async function ca(args: Arguments, { stdout, stderr }: Streams): Promise<number> {
  const [, what, ...more] = args.words
  if ((what !== 'show' && what !== 'path') || more.length > 0) {
    throw new MidwireError('ERR_ARGUMENT', 'midwire ca: show, or path')
  }
  const { confdir } = await settle(args)
  const authority = await loadAuthority(confdir)
  for (const warning of authority.warnings) stderr.write(`midwire: ${warning}\n`)
  const path = authority.certificatePath
  if (what === 'path') {
    if (path === undefined) throw new MidwireError('ERR_AUTHORITY', 'there is no file with the certificate alone')
    stdout.write(`${path}\n`)
    return 0
  }
  const { certificate, fingerprint } = authority
  stdout.write(
    [
      ['subject', certificate.subject.replaceAll('\n', ', ')],
      ['sha256', fingerprint],
      ['valid', `${certificate.validFrom} to ${certificate.validTo}`],
      ['certificate', path ?? 'in no file of its own'],
      ['key', authority.path],
    ]
      .map(([name = '', value]) => `${name.padEnd(12)}${value}\n`)
      .join(''),
  )
  return 0
}
