// The fields of a form that a request has sent.
import { useSignal } from '@preact/signals'
import { useEffect } from 'preact/hooks'
import { getBytes } from '../shell/api.js'
import { type Pair, Pairs } from './pairs.js'

const MOST_BYTES = 256 * 1024

/** Forms as `application/x-www-form-urlencoded`; those of several parts are shown by the view of the body. */
export const isForm = (type: string) => /^application\/x-www-form-urlencoded\b/i.test(type)

export function Form({ path, length, version }: { path: string; length: number; version: string }) {
  const pairs = useSignal<readonly Pair[]>([])
  useEffect(() => {
    let over = false
    if (length > 0 && length <= MOST_BYTES)
      getBytes(`${path}/content`).then(
        (bytes) => {
          if (!over) pairs.value = [...new URLSearchParams(new TextDecoder().decode(bytes))]
        },
        () => undefined,
      )
    return () => {
      over = true
    }
  }, [path, version])
  return <Pairs title="Form" pairs={pairs.value} open />
}
