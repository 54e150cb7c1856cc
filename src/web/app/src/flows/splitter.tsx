// The edge between the list and the flow that is open: it is dragged, or moved by keys, and remembered.
import { remembered } from '../shell/remembered.js'

const LEAST = 20
const MOST = 80
const STEP = 2

/** The share of the list, in per cent. */
export const share = remembered('split', 46, (value) => typeof value === 'number' && value >= LEAST && value <= MOST)

const put = (value: number) => {
  share.value = Math.round(Math.max(LEAST, Math.min(MOST, value)))
}

export function Splitter() {
  return (
    <div
      class="splitter"
      role="separator"
      tabIndex={0}
      aria-label="Width of the list"
      aria-orientation="vertical"
      aria-valuemin={LEAST}
      aria-valuemax={MOST}
      aria-valuenow={share.value}
      onKeyDown={(event) => {
        const by = { ArrowLeft: -STEP, ArrowRight: STEP }[event.key]
        if (!by) return
        put(share.value + by)
        event.preventDefault()
        event.stopPropagation()
      }}
      onDblClick={() => put(46)}
      onPointerDown={(event) => {
        const target = event.currentTarget
        const [list, pane] = [target.previousElementSibling, target.nextElementSibling]
        if (!list || !pane) return
        const from = list.getBoundingClientRect().left
        const width = pane.getBoundingClientRect().right - from
        target.setPointerCapture(event.pointerId)
        target.onpointermove = ({ clientX }) => put((100 * (clientX - from)) / width)
        target.onpointerup = () => {
          target.onpointermove = null
        }
      }}
    />
  )
}
