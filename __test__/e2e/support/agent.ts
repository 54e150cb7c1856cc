// The process that runs in a namespace: loads the module it is given and calls its functions for the test, over Node's own channel.

interface Call {
  id: number
  name: string
  args: unknown[]
}

const [, , url = ''] = process.argv
const functions: Record<string, (...args: unknown[]) => unknown> = await import(url)

process.on('message', async ({ id, name, args }: Call) => {
  try {
    process.send?.({ id, value: await functions[name]?.(...args) })
  } catch (error) {
    const { message, code } = error as NodeJS.ErrnoException
    process.send?.({ id, error: { message, code } })
  }
})
// The test is over, in whatever way.
process.on('disconnect', () => process.exit())
process.send?.({ event: 'ready' })
