// What the examples test: a client of a shop on the web, which tries again while the shop is busy.
export interface Item {
  readonly name: string
  readonly price: number
}

/** `fetching`: the program's fetch; tests give one that goes through the proxy. */
export async function cheapest(fetching: typeof fetch): Promise<string> {
  for (let left = 3; left > 0; left -= 1) {
    const response = await fetching('https://shop.test/items?sort=price')
    if (response.status === 503) continue
    if (!response.ok) throw new Error(`the shop says ${response.status}`)
    const [item] = (await response.json()) as Item[]
    return item?.name ?? 'nothing'
  }
  throw new Error('the shop is busy')
}
