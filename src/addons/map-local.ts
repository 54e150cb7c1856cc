// The option `map_local`: requests are answered with files of this machine.
import { realpathSync, statSync } from 'node:fs'
import { open, realpath } from 'node:fs/promises'
import { join, sep } from 'node:path'
import { MidwireError } from '../errors.js'
import { type HttpFlow, type HttpRequest, HttpResponse } from '../flow/http.js'
import { parseRule, type Rule } from '../flow/rule.js'
import { compileSubstitution } from '../flow/substitution.js'
import type { Addon } from '../hooks.js'
import type { Surroundings } from './by-option.js'
import { typeOf } from './file-types.js'

/** The most bytes of a file that one answer has, since an answer is whole before it is sent. Larger files are had in ranges. */
const MAX_ANSWER = 64 << 20

interface LocalRule extends Rule {
  /** The names within the directory that a URL may mean, the best first; undefined where the expression does not match. */
  candidates(url: string): readonly string[] | undefined
  /** The absolute path, without symbolic links. */
  readonly path: string
}

/** The first rule that has a file answers. Throws ERR_OPTION and ERR_FILTER for one that is wrong. */
export function mapLocal(rules: readonly string[], surroundings: Surroundings): Addon {
  const read = rules.map((text, index) => readRule(text, `map_local, rule ${index + 1}`, surroundings))
  const answer = async (flow: HttpFlow, meant: readonly { rule: LocalRule; names: readonly string[] }[]) => {
    for (const { rule, names } of meant) {
      for (const name of names) {
        const response = await respond(rule.path, name, flow.request)
        if (response instanceof HttpResponse) {
          flow.response = response
          return
        }
        if (response) surroundings.log('warn', `map_local: ${response}`)
      }
    }
    surroundings.log('info', `map_local: there is no file for ${flow.request.url}`)
    flow.response = new HttpResponse({ status: 404, headers: [['Content-Length', '0']] })
  }
  const map = (flow: HttpFlow) => {
    if (flow.response || flow.error) return
    const matching = read.filter((rule) => rule.matches(flow))
    if (matching.length === 0) return undefined
    const { url } = flow.request
    const meant = matching.flatMap((rule) => {
      const names = rule.candidates(url)
      return names ? [{ rule, names }] : []
    })
    return meant.length > 0 ? answer(flow, meant) : undefined
  }
  // A filter that asks for the body has to wait for it.
  const hook = read.some(({ seeksBodies }) => seeksBodies) ? 'request' : 'requestheaders'
  return { name: 'map_local', [hook]: map }
}

function readRule(text: string, label: string, { path: written }: Surroundings): LocalRule {
  const rule = parseRule(text, label)
  try {
    const path = realpathSync(written(rule.replacement))
    const isDirectory = statSync(path).isDirectory()
    const { find } = compileSubstitution(rule.subject, { caseSensitive: true }, '')
    const candidates = (url: string) => {
      const match = find(url)
      return match && (isDirectory ? namesOf(match, url) : [''])
    }
    return { ...rule, path, candidates }
  } catch (error) {
    throw new MidwireError('ERR_OPTION', `${label}: ${(error as Error).message}`)
  }
}

/** The names that a URL may have in a directory: group 1 of the match, else what stands behind the match without its query. */
function namesOf(match: RegExpExecArray, url: string): string[] {
  const [whole, group] = match
  const behind = url.slice(match.index + whole.length).replace(/[?#].*$/s, '')
  const rest = (match.length > 1 ? (group ?? '') : behind).replace(/^\/+|\/+$/g, '')
  if (rest === '') return ['index.html']
  const decoded = decode(rest)
  const plain = decoded.replace(/[^0-9a-zA-Z\-_.=(),/]/g, '_')
  return [...new Set([decoded, plain])].filter(isWithin).flatMap((name) => [name, `${name}/index.html`])
}

/** A sequence that is no UTF-8 stays as it is. */
function decode(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

/** A name leads nowhere but downwards, whatever the system takes for a separator, and has no drive and no stream of NTFS. */
function isWithin(name: string): boolean {
  return !/[\0\\:]/.test(name) && !name.startsWith('/') && !name.split('/').includes('..')
}

/** The answer with a file; undefined where there is none, and a sentence where it cannot be read. */
async function respond(root: string, name: string, request: HttpRequest): Promise<HttpResponse | string | undefined> {
  const wanted = name === '' ? root : join(root, name)
  try {
    const path = await realpath(wanted)
    if (path !== root && !path.startsWith(root.endsWith(sep) ? root : root + sep)) {
      return `${wanted} is a link out of ${root}, which is not followed`
    }
    const file = await open(path)
    try {
      const stat = await file.stat()
      if (!stat.isFile()) return undefined
      const range = rangeOf(request, stat.size)
      const head = headOf(path, stat.size, range)
      // The response to HEAD has the fields of that to GET (RFC 9110, 9.3.2), and no content.
      if (!range || request.method === 'HEAD') return new HttpResponse(head)
      if (range.length > MAX_ANSWER) return `${path} is longer than ${MAX_ANSWER} bytes`
      const content = Buffer.alloc(range.length)
      const { bytesRead } = await file.read(content, 0, range.length, range.start)
      return new HttpResponse({ ...head, content: content.subarray(0, bytesRead) })
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException
    return ['ENOENT', 'ENOTDIR', 'EISDIR', 'ENAMETOOLONG'].includes(code ?? '') ? undefined : message
  }
}

interface Range {
  readonly start: number
  readonly length: number
  readonly isPart: boolean
}

/**
 * The bytes that a request asks for (RFC 9110, 14.2): all, where it names no range, several, or a condition. Undefined for a range that
 * lies behind the end.
 */
function rangeOf({ method, headers }: HttpRequest, size: number): Range | undefined {
  const all = { start: 0, length: size, isPart: false }
  const [, from = '', to = ''] = /^bytes=(\d*)-(\d*)$/.exec(headers.get('range') ?? '') ?? []
  if (method !== 'GET' || headers.has('if-range') || from + to === '') return all
  const start = from === '' ? Math.max(0, size - Number(to)) : Number(from)
  const last = from === '' || to === '' ? size - 1 : Math.min(Number(to), size - 1)
  if (from !== '' && to !== '' && Number(to) < start) return all
  return start >= size || last < start ? undefined : { start, length: last - start + 1, isPart: true }
}

function headOf(path: string, size: number, range: Range | undefined) {
  const headers: [string, string][] = [
    ['Server', 'midwire'],
    ['Content-Length', `${range?.length ?? 0}`],
    ['Accept-Ranges', 'bytes'],
  ]
  const type = typeOf(path)
  if (type !== undefined && range) headers.push(['Content-Type', type])
  if (!range) headers.push(['Content-Range', `bytes */${size}`])
  else if (range.isPart)
    headers.push(['Content-Range', `bytes ${range.start}-${range.start + range.length - 1}/${size}`])
  return { status: range ? (range.isPart ? 206 : 200) : 416, headers }
}
