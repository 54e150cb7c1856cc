// Text of the table that is selected: the rows stay as they are until it is no more, for an element whose row has changed would select other text.
import { signal } from '@preact/signals'
import { useRef } from 'preact/hooks'

const isSelected = signal(false)

document.addEventListener('selectionchange', () => {
  const selection = getSelection()
  const node = selection?.isCollapsed === false ? selection.anchorNode : null
  const element = node instanceof Element ? node : node?.parentElement
  isSelected.value = element?.closest('.rows') != null
})

export const isTextSelected = (): boolean => isSelected.peek()

/**
 * `now`, or what it was when the selection began. Another `place` (the list was scrolled or sorted) and fewer flows (some were deleted, or
 * filtered out) are shown at once.
 */
export function useHeld<T extends { readonly total: number }>(now: T, place: string): T {
  const kept = useRef({ now, place })
  const holds = isSelected.value && kept.current.place === place && now.total >= kept.current.now.total
  if (!holds) kept.current = { now, place }
  return kept.current.now
}
