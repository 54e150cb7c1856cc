// A command line that does what the page has done, and a button that copies it.
import { attempt, copy } from '../flows/actions.js'

export function CommandView({ line, label = 'The same in a terminal' }: { line: string; label?: string }) {
  return (
    <figure class="command">
      <figcaption>
        <span class="faint">{label}</span>
        <button type="button" class="quiet" onClick={() => void attempt(() => copy(line, 'Command line'))}>
          Copy as command line
        </button>
      </figcaption>
      <pre tabIndex={0}>
        <code>{line}</code>
      </pre>
    </figure>
  )
}
