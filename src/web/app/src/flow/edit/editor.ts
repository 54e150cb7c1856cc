// The editor of bodies: CodeMirror in a shadow root, as its styles are no file, and elsewhere the page's policy lets in none but files.
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands'
import { json } from '@codemirror/lang-json'
import { xml } from '@codemirror/lang-xml'
import { bracketMatching, HighlightStyle, indentOnInput, syntaxHighlighting } from '@codemirror/language'
import { EditorState, type Extension } from '@codemirror/state'
import { drawSelection, EditorView, highlightActiveLine, keymap, lineNumbers } from '@codemirror/view'
import { tags } from '@lezer/highlight'

export interface Wanted {
  readonly text: string
  /** The Content-Type. */
  readonly type: string
  readonly label: string
  readonly onChange: (text: string) => void
}

const colours = HighlightStyle.define([
  { tag: [tags.propertyName, tags.attributeName, tags.tagName], color: 'var(--info)' },
  { tag: [tags.string, tags.attributeValue], color: 'var(--good)' },
  { tag: [tags.number, tags.bool, tags.null], color: 'var(--warn)' },
  { tag: [tags.comment, tags.angleBracket], color: 'var(--faint)' },
])

const look = EditorView.theme({
  '&': { fontSize: '12px', color: 'var(--text)', backgroundColor: 'var(--raised)', borderRadius: '6px' },
  '&.cm-focused': { outline: '2px solid var(--accent)' },
  '.cm-scroller': { fontFamily: 'var(--mono)', maxHeight: '50vh', minHeight: '96px', overflow: 'auto' },
  '.cm-gutters': { color: 'var(--faint)', backgroundColor: 'transparent', border: '0' },
  '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'transparent' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground': {
    background: 'var(--accent-back)',
  },
  '.cm-matchingBracket': { outline: '1px solid var(--faint)', backgroundColor: 'transparent !important' },
})

/** Ctrl-Enter is the form's: it sends. */
const editing = defaultKeymap.filter(({ key }) => key !== 'Mod-Enter')

function languageOf(type: string): Extension {
  if (type === '' || /\bjson\b|\+json/i.test(type)) return json()
  return /\b(xml|html)\b|\+xml/i.test(type) ? xml() : []
}

/** Shows the editor in `host` until the returned function is called. */
export function mount(host: HTMLElement, { text, type, label, onChange }: Wanted): () => void {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open' })
  const state = EditorState.create({
    doc: text,
    extensions: [
      lineNumbers(),
      history(),
      drawSelection(),
      indentOnInput(),
      bracketMatching(),
      highlightActiveLine(),
      EditorView.lineWrapping,
      syntaxHighlighting(colours),
      languageOf(type),
      look,
      // Tab leaves the editor, as it leaves every other field.
      keymap.of([...editing, ...historyKeymap]),
      EditorView.contentAttributes.of({ 'aria-label': label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) onChange(update.state.doc.toString())
      }),
    ],
  })
  const view = new EditorView({ state, parent: root, root })
  view.focus()
  return () => view.destroy()
}
