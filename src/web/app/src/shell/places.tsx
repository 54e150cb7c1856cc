// The places of the page in the order of the navigation: the address, the key and the sign of each.
import type { JSX } from 'preact'

export interface Place {
  readonly name: string
  readonly title: string
  /** The key that leads there. */
  readonly key: string
  /** The lines of a sign in a square of 24. */
  readonly sign: string
  /** What is said while there is nothing to show: what the place is for, and what to do next. */
  readonly empty: { readonly head: string; readonly next: JSX.Element }
}

export const places: readonly Place[] = [
  {
    name: 'flows',
    title: 'Flows',
    key: '1',
    sign: 'M4 6h16M4 12h16M4 18h10',
    empty: {
      head: 'No flows yet',
      next: (
        <>
          Each request that passes midwire is listed here. <a href="/devices">Add a device</a>, or try one from a
          terminal:
          <code>curl -x http://127.0.0.1:8080 http://example.org/</code>
        </>
      ),
    },
  },
  {
    name: 'devices',
    title: 'Devices',
    key: '2',
    sign: 'M8 3h8a1 1 0 0 1 1 1v16a1 1 0 0 1-1 1H8a1 1 0 0 1-1-1V4a1 1 0 0 1 1-1zM11 18h2',
    empty: {
      head: 'No devices yet',
      next: (
        <>
          A phone, a tablet or a machine joins by WireGuard: it scans a code, and everything it says passes midwire. Its
          steps for the certificate are at <code>http://mitm.it</code> once it is connected.
        </>
      ),
    },
  },
  {
    name: 'setup',
    title: 'Set-up',
    key: '3',
    sign: 'M4 8h10M18 8h2M4 16h2M10 16h10M16 6v4M8 14v4',
    empty: {
      head: 'No modes are known yet',
      next: <>Modes are the ways in: WireGuard, HTTP and SOCKS proxy, reverse and transparent proxy, DNS.</>,
    },
  },
  {
    name: 'options',
    title: 'Options',
    key: '4',
    sign: 'M12 9a3 3 0 1 0 0 6 3 3 0 0 0 0-6zM12 3v3M12 18v3M3 12h3M18 12h3M6 6l2 2M16 16l2 2M18 6l-2 2M8 16l-2 2',
    empty: {
      head: 'No options are known yet',
      next: (
        <>
          All of them are listed by <code>midwire --options</code>, too.
        </>
      ),
    },
  },
  {
    name: 'log',
    title: 'Log',
    key: '5',
    sign: 'M6 3h9l4 4v14H6zM9 12h7M9 16h7M9 8h3',
    empty: { head: 'Nothing was logged yet', next: <>What midwire has to say is listed here.</> },
  },
]
