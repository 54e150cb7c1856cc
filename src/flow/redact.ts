// Flows as outputs may see them: what the option `redact` names is taken out, and the flow itself stays as it is.
import { MidwireError } from '../errors.js'
import { isToken } from './headers.js'
import { type FieldPath, parseFieldPath } from './redact-json.js'

/** What is never to reach an output. */
export interface Secrets {
  /** Names of header and trailer fields, in lower case. */
  readonly headers: ReadonlySet<string>
  /** Names of parameters in URLs and forms. */
  readonly parameters: ReadonlySet<string>
  readonly fields: readonly FieldPath[]
}

/**
 * Reads the option: names of header fields, `$.field` of JSON, `?parameter` of URLs and forms; an entry may have several with commas
 * between. Throws ERR_OPTION.
 */
export function parseSecrets(entries: readonly string[]): Secrets {
  const headers = new Set<string>()
  const parameters = new Set<string>()
  const fields: FieldPath[] = []
  const all = entries.flatMap((entry) => entry.split(',')).map((entry) => entry.trim())
  for (const entry of all.filter((one) => one !== '')) {
    if (entry.startsWith('?') && entry.length > 1) parameters.add(entry.slice(1))
    else if (entry.startsWith('$')) fields.push(parseFieldPath(entry) ?? refuse(entry))
    else if (isToken(entry)) headers.add(entry.toLowerCase())
    else refuse(entry)
  }
  return { headers, parameters, fields }
}

function refuse(entry: string): never {
  const wanted = 'the name of a header field, $.field or $..field of JSON, or ?parameter of URLs and forms'
  throw new MidwireError('ERR_OPTION', `redact: ${JSON.stringify(entry)} is not ${wanted}`)
}
