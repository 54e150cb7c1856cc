// The options of mitmproxy 12 that midwire does not have, each with the reason. They are no errors in a config.yaml, so that midwire
// can use mitmproxy's.

const REASONS: readonly (readonly [reason: string, names: string])[] = [
  ["mitmweb's page has this option, and midwire's has not", 'web_columns web_debug web_static_viewer web_theme'],
  ['midwire has no console interface', 'command_history view_filter view_order view_order_reversed'],
  [
    'midwire has no console interface',
    'console_default_contentview console_eventlog_verbosity console_flowlist_layout',
  ],
  ['midwire has no console interface', 'console_focus_follow console_layout console_layout_headers console_mouse'],
  ['midwire has no console interface', 'console_palette console_palette_transparent'],
  ['midwire has no console interface', 'console_strip_trailing_newlines'],
  ['midwire always signs with the authority of its conf dir', 'key_size'],
  ['midwire always sends Host with CONNECT', 'http_connect_send_host_header'],
  ['midwire sends header fields as they came', 'normalize_outbound_headers'],
  ['--verbose shows the whole log', 'proxy_debug'],
  ['the conf dir is chosen with --confdir, or with MIDWIRE_CONFDIR', 'confdir'],
]

/** The reasons, by the names of the options. */
export const FOREIGN: ReadonlyMap<string, string> = new Map(
  REASONS.flatMap(([reason, names]) => names.split(' ').map((name) => [name, reason] as const)),
)
