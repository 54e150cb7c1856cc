// Error pages as HTTP/1 writes them.
import { errorPage, type Failure } from '../pages.js'
import { writeResponseHead } from './write.js'

/** The bytes of an error page. The connection has to be closed after it. */
export function writeErrorPage(failure: Failure): Buffer {
  const page = errorPage(failure)
  page.headers.set('Connection', 'close')
  return writeResponseHead(page, page.content)
}
