// Mocks and breakpoints: listed, made and removed.
import type { proxy } from '../api/tables/proxy.js'
import type { Handlers } from '../server/call.js'

type Table = Pick<
  typeof proxy,
  ('listMocks' | 'addMock' | 'removeMock' | 'clearMocks') | ('listBreakpoints' | 'addBreakpoint' | 'removeBreakpoint')
>

export const ruleHandlers: Handlers<Table> = {
  listMocks: ({ rules }) => ({ mocks: rules.mocks }),
  addMock: ({ rules, body }) => rules.addMock(body),
  removeMock({ rules, input }) {
    rules.removeMock(input.id)
    return undefined
  },
  clearMocks({ rules }) {
    rules.clearMocks()
    return undefined
  },
  listBreakpoints: ({ rules }) => ({ breakpoints: rules.breakpoints }),
  addBreakpoint: ({ rules, body }) => rules.addBreakpoint(body),
  removeBreakpoint({ rules, input }) {
    rules.removeBreakpoint(input.id)
    return undefined
  },
}
