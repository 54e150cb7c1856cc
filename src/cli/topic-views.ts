// The text of `midwire help views`.
import { Views } from '../index.js'
import { rows } from './help.js'

export function viewsText(): string {
  return `midwire --flow-detail 3 [--dumper-default-contentview VIEW]

How bodies and messages are shown, from --flow-detail 3 on. auto, the default, takes the view that fits best: by Content-Type, the path
and the first bytes. A view that fails says so, and the content is shown as text or hex.

${rows([['auto', 'the one that fits best'], ...new Views().list().map(({ name, help = '' }) => [name, help] as const)])}
At --flow-detail 3 --content-view-lines-cutoff says how many lines there are, of the first MiB; 4 shows all, up to 200,000 lines.
Scripts add views of their own: export const views = [{ name, priority(content, metadata), render(content, metadata, page) }].

Examples
${rows([
  ['midwire --flow-detail 3 --dumper-default-contentview hex', ''],
  [
    'midwire --flow-detail 4 --set protobuf_definitions=shop.proto',
    'fields of protobuf and gRPC by their names; or a descriptor set',
  ],
])}`
}
