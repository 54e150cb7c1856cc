// A process of tests that does not end by itself has left something open: it fails, and holds up nobody.
import { registerCompletionHandler } from 'ava'

/** What has been closed may take so long to be gone. */
const GRACE_MILLISECONDS = 10_000

registerCompletionHandler(() => {
  setTimeout(() => {
    console.error(
      `the tests are over, and their process is kept alive by: ${process.getActiveResourcesInfo().join(', ')}`,
    )
    process.exit(1)
  }, GRACE_MILLISECONDS).unref()
})
