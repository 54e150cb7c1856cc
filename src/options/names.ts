// Finds options by their names, and explains an unknown name.
import { MidwireError, nearest } from '../errors.js'
import { OPTIONS, type OptionDefinition, type OptionDefinitions, type OptionName } from './definitions.js'
import { FOREIGN } from './foreign.js'
import { READERS, readValue } from './values.js'

/** The definition of one of midwire's own options; undefined for any other name. */
export const ownDefinition = (name: string): OptionDefinition | undefined =>
  Object.hasOwn(OPTIONS, name) ? OPTIONS[name as OptionName] : undefined

/** Why midwire does not have an option of mitmproxy's; undefined for any other name. */
export const foreignOption = (name: string): string | undefined => (ownDefinition(name) ? undefined : FOREIGN.get(name))

/** The error for an unknown name: for an option of mitmproxy's the reason that midwire lacks it, else the nearest known name. */
export function unknownOption(name: string, known: Iterable<string> = Object.keys(OPTIONS)): MidwireError {
  const reason = FOREIGN.get(name)
  if (reason) return new MidwireError('ERR_OPTION', `there is no option ${quoted(name)}: ${reason}`)
  const meant = nearest(name.replaceAll('-', '_'), [...known])
  const hint = meant ? `did you mean \`${meant}\`?` : '`midwire --options` lists them all'
  return new MidwireError('ERR_OPTION', `unknown option ${quoted(name)}, ${hint}`)
}

/** Throws ERR_OPTION for an invalid definition of an addon. `owner` is the addon's name. */
export function checkDefinitions(owner: string, definitions: OptionDefinitions): void {
  for (const [name, definition] of Object.entries(definitions)) {
    const label = `option ${quoted(name)} of ${owner}`
    if (!/^[a-z]\w{0,59}$/i.test(name)) {
      throw new MidwireError('ERR_OPTION', `${label}: a name has letters, digits and _, and begins with a letter`)
    }
    const { type, choices, help } = definition ?? {}
    if (!Object.hasOwn(READERS, String(type)) || typeof help !== 'string') {
      const shape = "{ type: 'string', default: '', help: 'one line' }"
      const types = Object.keys(READERS).join(', ')
      throw new MidwireError('ERR_OPTION', `${label}: a definition is ${shape}; the types are ${types}`)
    }
    if (type === 'choice' && !(Array.isArray(choices) && choices.every((one) => typeof one === 'string'))) {
      throw new MidwireError('ERR_OPTION', `${label}: a choice has \`choices\`, a list of texts`)
    }
    readValue(definition, definition.default, `${label}, its default`)
  }
}

/** A name as errors show it: on one line, and with at most 60 characters. */
function quoted(name: string): string {
  const short = name.length > 60 ? `${name.slice(0, 59)}…` : name
  return `\`${short}\``.replace(/\p{Cc}/gu, (one) => JSON.stringify(one).slice(1, -1))
}
