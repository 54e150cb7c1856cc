// Lines of styled parts, as views write them, with the places of a search marked in them.
import { useLayoutEffect, useRef } from 'preact/hooks'
import type { Rendered } from '../shell/api.js'

export type Line = Rendered['lines'][number]

/** Lines that the browser lays out together, and not at all while they are out of sight. */
const BLOCK = 200

/** Places of a search in one line: from, to. */
type Places = readonly (readonly [number, number])[]

export const textOf = (line: Line) => line.map((part) => (typeof part === 'string' ? part : part[1])).join('')

/** Where `needle` is in each line that has it, whatever its case; the lines by their index. */
export function placesOf(lines: readonly Line[], needle: string): Map<number, Places> {
  const found = new Map<number, [number, number][]>()
  const wanted = needle.toLowerCase()
  if (wanted === '') return found
  lines.forEach((line, index) => {
    const text = textOf(line).toLowerCase()
    for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + wanted.length)) {
      const places = found.get(index) ?? []
      places.push([at, at + wanted.length])
      found.set(index, places)
    }
  })
  return found
}

interface Props {
  readonly lines: readonly Line[]
  readonly places: Map<number, Places>
  /** The place that is gone to, counted over all lines. */
  readonly current: number
}

export function Lines({ lines, places, current }: Props) {
  const element = useRef<HTMLPreElement>(null)
  useLayoutEffect(() => {
    if (places.size > 0) element.current?.querySelector('mark[data-current=true]')?.scrollIntoView({ block: 'nearest' })
  }, [places, current])
  const blocks = []
  let before = 0
  for (let from = 0; from < lines.length; from += BLOCK) {
    const shown = lines.slice(from, from + BLOCK).map((line, at) => {
      const own = places.get(from + at) ?? []
      const first = before
      before += own.length
      return <LineView key={from + at} line={line} places={own} current={current - first} />
    })
    blocks.push(
      <div key={from} class="block">
        {shown}
      </div>,
    )
  }
  return (
    <pre ref={element} class="lines-of">
      {blocks}
    </pre>
  )
}

function LineView({ line, places, current }: { line: Line; places: Places; current: number }) {
  let from = 0
  return (
    <>
      {line.map((part, at) => {
        const [style, text] = typeof part === 'string' ? ['', part] : part
        const start = from
        from += text.length
        const shown = places.length === 0 ? text : marked(text, start, places, current)
        return style || places.length > 0 ? (
          <span key={at} data-style={style}>
            {shown}
          </span>
        ) : (
          shown
        )
      })}
      {'\n'}
    </>
  )
}

/** The text of a part with what of the places is in it marked; the part begins at `start` of its line. */
function marked(text: string, start: number, places: Places, current: number) {
  const pieces = []
  let done = 0
  places.forEach(([from, to], index) => {
    const [first, last] = [Math.max(0, from - start), Math.min(text.length, to - start)]
    if (first >= last) return
    pieces.push(
      text.slice(done, first),
      <mark key={index} data-current={index === current}>
        {text.slice(first, last)}
      </mark>,
    )
    done = last
  })
  pieces.push(text.slice(done))
  return pieces
}
