// A list whose entries change places: by the mouse on a handle, by buttons, and by Alt with an arrow.
import { useSignal } from '@preact/signals'
import type { ComponentChildren } from 'preact'
import { useLayoutEffect, useRef } from 'preact/hooks'

interface Props<T> {
  readonly label: string
  readonly items: readonly T[]
  readonly keyOf: (item: T, at: number) => string
  readonly nameOf: (item: T) => string
  readonly isOff?: (item: T) => boolean
  readonly onOrder: (items: readonly T[]) => void
  readonly children: (item: T, at: number) => ComponentChildren
}

const DIRECTIONS = [
  ['up', -1, '↑'],
  ['down', 1, '↓'],
] as const

export function Sortable<T>({ label, items, keyOf, nameOf, isOff, onOrder, children }: Props<T>) {
  const list = useRef<HTMLOListElement>(null)
  const dragged = useSignal(-1)
  const over = useSignal(-1)
  /** The button that has the focus once the new order has come. */
  const focus = useRef<{ at: number; button: string } | undefined>(undefined)
  const said = useSignal('')
  useLayoutEffect(() => {
    const { at, button } = focus.current ?? {}
    focus.current = undefined
    if (at === undefined) return
    const row = list.current?.children[at]
    const wanted = row?.querySelector<HTMLButtonElement>(`[data-move="${button}"]:enabled`)
    ;(wanted ?? row?.querySelector<HTMLButtonElement>('[data-move]:enabled'))?.focus()
  }, [items])
  const move = (from: number, to: number, button?: string) => {
    const item = items[from]
    if (item === undefined || from === to || to < 0 || to >= items.length) return
    if (button) focus.current = { at: to, button }
    said.value = `${nameOf(item)} is at place ${to + 1} of ${items.length}`
    onOrder(items.toSpliced(from, 1).toSpliced(to, 0, item))
  }
  return (
    <>
      <ol ref={list} class="sortable" aria-label={label}>
        {items.map((item, at) => (
          <li
            key={keyOf(item, at)}
            data-off={isOff?.(item) ?? false}
            data-over={over.value === at && dragged.value !== at}
            onDragOver={(event) => {
              if (dragged.value === -1) return
              event.preventDefault()
              over.value = at
            }}
            onDrop={(event) => {
              event.preventDefault()
              move(dragged.value, at)
            }}
            onKeyDown={(event) => {
              const by = { ArrowUp: -1, ArrowDown: 1 }[event.key]
              if (!event.altKey || !by) return
              event.preventDefault()
              event.stopPropagation()
              move(at, at + by, by < 0 ? 'up' : 'down')
            }}
          >
            <span
              class="handle"
              aria-hidden="true"
              title="Drag to another place (Alt with an arrow)"
              draggable
              onDragStart={(event) => {
                dragged.value = at
                event.dataTransfer?.setData('text/plain', nameOf(item))
                const row = event.currentTarget.closest('li')
                if (row) event.dataTransfer?.setDragImage(row, 8, 8)
              }}
              onDragEnd={() => {
                dragged.value = -1
                over.value = -1
              }}
            >
              ⠿
            </span>
            {children(item, at)}
            <span class="moves">
              {DIRECTIONS.map(([name, by, sign]) => (
                <button
                  key={name}
                  type="button"
                  class="icon"
                  data-move={name}
                  aria-label={`Move ${nameOf(item)} ${name}`}
                  title={name === 'up' ? 'Up' : 'Down'}
                  disabled={items[at + by] === undefined}
                  onClick={() => move(at, at + by, name)}
                >
                  {sign}
                </button>
              ))}
            </span>
          </li>
        ))}
      </ol>
      <span class="unseen" role="status">
        {said.value}
      </span>
    </>
  )
}
