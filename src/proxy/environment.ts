// What mitmproxy's environment variables say, for code that must not look at the environment.
import { FILTER_DEFAULTS } from '../flow/filter.js'

FILTER_DEFAULTS.caseSensitive = process.env.MITMPROXY_CASE_SENSITIVE_FILTERS === '1'
