// Who trusts our certificate and who has refused it: devices in the tunnel, and clients of the other modes; and what passes undecrypted for that.
import { signal } from '@preact/signals'
import { attempt } from '../flows/actions.js'
import { type Answer, change, get } from '../shell/api.js'
import { useNow } from '../shell/clock.js'
import { ago } from '../shell/format.js'

type Trust = Answer<'listTrust'>

const trust = signal<Trust>({ clients: [], passedThrough: [] })

export async function loadTrust(): Promise<void> {
  trust.value = await get<Trust>('/trust')
}

export function TrustSection() {
  const now = useNow()
  const { clients, passedThrough } = trust.value
  return (
    <section aria-labelledby="trust">
      <h2 id="trust">Who trusts it</h2>
      {clients.length === 0 ? (
        <p class="faint">
          No client has spoken over TLS yet. Open any page with HTTPS on the device, and it is listed here.
        </p>
      ) : (
        <ul class="trust">
          {clients.map(({ client, key, trusts, name, at }) => (
            <li key={key} data-trusts={trusts}>
              <b>{client}</b>
              <span class={trusts ? 'good' : 'bad'}>{trusts ? 'trusts it' : 'has refused it'}</span>
              <span class="faint">
                {name && `for ${name}, `}
                {ago(at, now)}
              </span>
            </li>
          ))}
        </ul>
      )}
      {passedThrough.length > 0 && (
        <div class="bar">
          <span>Passes undecrypted: {passedThrough.map(({ client, name }) => `${name} for ${client}`).join(', ')}</span>
          <button
            type="button"
            onClick={() =>
              void attempt(async () => {
                await change('DELETE', '/trust/passed')
                await loadTrust()
              })
            }
          >
            Decrypt again
          </button>
        </div>
      )}
    </section>
  )
}
