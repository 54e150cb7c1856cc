// Turns the pictures of every web page upside down: midwire -s examples/replace-text.ts
import type { HttpFlow } from 'midwire'

const style = '<style>img { transform: rotate(180deg) }</style>'

export function response({ response }: HttpFlow) {
  if (!response?.headers.get('Content-Type')?.startsWith('text/html')) return
  // A page that is longer than stream_large_bodies has passed before this hook, and stays as it was.
  if (response.streamed) return
  // What is set goes out in the coding that Content-Encoding names, with its length.
  response.text = response.text.replace('</head>', `${style}</head>`)
}
