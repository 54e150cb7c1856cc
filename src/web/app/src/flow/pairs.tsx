// Names and values that stand under a title: header fields, the query, cookies, a form.
import type { Flow } from '../shell/api.js'

export type Pair = readonly [string, string]

export function Pairs({ title, pairs, open = false }: { title: string; pairs: readonly Pair[]; open?: boolean }) {
  if (pairs.length === 0) return null
  return (
    <details open={open}>
      <summary>
        {title} <span class="faint">{pairs.length}</span>
      </summary>
      <table class="pairs">
        <tbody>
          {pairs.map(([name, value], at) => (
            <tr key={at}>
              <th scope="row">{name}</th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </details>
  )
}

type Headers = readonly Pair[]

/** The first field of a name; the empty text for none. */
export const fieldOf = (headers: Headers, wanted: string) =>
  headers.find(([name]) => name.toLowerCase() === wanted)?.[1] ?? ''

export function queryOf({ path }: NonNullable<Flow['request']>): Pair[] {
  const at = path.indexOf('?')
  return at < 0 ? [] : [...new URLSearchParams(path.slice(at + 1))]
}

const split = (pair: string, otherwise: readonly [string, string]): Pair => {
  const at = pair.indexOf('=')
  return at < 0 ? otherwise : [pair.slice(0, at), pair.slice(at + 1)]
}

/** Those of a request. */
export const cookiesOf = (headers: Headers): Pair[] =>
  headers
    .filter(([name]) => name.toLowerCase() === 'cookie')
    .flatMap(([, value]) => value.split(/;\s*/))
    .filter(Boolean)
    .map((pair) => split(pair, ['', pair]))

/** Those that a response sets, each with its attributes. */
export const setCookiesOf = (headers: Headers): Pair[] =>
  headers
    .filter(([name]) => name.toLowerCase() === 'set-cookie')
    .map(([, value]) => {
      const [pair = '', ...attributes] = value.split(/;\s*/)
      const [name, content] = split(pair, ['', pair])
      return [name, [content, ...attributes].join('; ')]
    })
