// The command view.content: what a view shows of a body.
import { command } from '../commands.js'
import { MidwireError } from '../errors.js'
import type { Addon } from '../hooks.js'
import { renderedText, type Views } from '../views/render.js'

export function viewing(views: Views): Addon {
  return {
    name: 'viewing',
    commands: {
      'view.content': command({
        help: 'the body of a request or response as a view shows it',
        shows: true,
        arguments: [
          { name: 'flow', type: 'flow' },
          { name: 'part', type: 'choice', choices: ['request', 'response'] },
          { name: 'view', type: 'text', optional: true },
        ],
        run(flow, part, view = 'auto') {
          views.check(view)
          const message = flow.type === 'http' ? flow[part] : undefined
          if (flow.type !== 'http' || !message)
            throw new MidwireError('ERR_COMMAND', `view.content: the flow has no ${part}`)
          const [contentType, { path }] = [message.headers.get('content-type'), flow.request]
          const metadata = { contentType, path, fromClient: part === 'request', flow }
          return renderedText(
            views.render(message.decodedContent, { ...metadata, view, bytes: Number.POSITIVE_INFINITY }),
          )
        },
      }),
      'view.names': command({ help: 'the views by which content can be shown', arguments: [], run: () => views.names }),
    },
  }
}
