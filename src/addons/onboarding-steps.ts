// The steps by which each kind of device is made to trust the certificate, as pieces of HTML.

export type Platform = 'ios' | 'android' | 'windows' | 'macos' | 'linux' | 'firefox' | 'programs'

export interface Section {
  readonly id: Platform
  readonly title: string
  /** The form of the certificate that suits the platform best. */
  readonly file: 'pem' | 'cer' | 'p12'
  /** HTML; `{name}` stands for the certificate's common name. */
  readonly steps: readonly string[]
  /** True where each step is for another system or program, and a user needs only one of them. */
  readonly apart?: boolean
  /** HTML that is shown below the steps. */
  readonly note?: string
}

/** The most wanted sections come first, and `programs`, which no browser needs, comes last. */
export const SECTIONS: readonly Section[] = [
  {
    id: 'ios',
    title: 'iPhone and iPad',
    file: 'pem',
    steps: [
      'Open this page in <b>Safari</b>, tap the button above, and allow the download.',
      'Open <b>Settings</b>, tap <b>Profile Downloaded</b> (or <b>General</b> › <b>VPN &amp; Device Management</b>), choose <b>{name}</b> and tap <b>Install</b>.',
      'Then, and this is easily missed: <b>Settings</b> › <b>General</b> › <b>About</b> › <b>Certificate Trust Settings</b>, and switch on <b>{name}</b>.',
    ],
    note: 'To undo it, remove the profile. Apps that pin their certificates still refuse the connection.',
  },
  {
    id: 'android',
    title: 'Android',
    file: 'cer',
    steps: [
      'Tap the button above, and keep the file.',
      'Open <b>Settings</b> › <b>Security &amp; privacy</b> › <b>More security settings</b> › <b>Encryption &amp; credentials</b> › <b>Install a certificate</b> › <b>CA certificate</b>. (Names differ a little; searching the settings for “CA certificate” finds it.)',
      'Choose <b>Install anyway</b>, then the file <code>midwire-ca-cert.cer</code>.',
    ],
    note: 'Chrome trusts it from now on. Since Android 7 <b>apps do not</b> trust certificates that users install, unless the app says so in its network security configuration, as builds for debugging often do. To undo it: <b>Encryption &amp; credentials</b> › <b>User credentials</b>.',
  },
  {
    id: 'windows',
    title: 'Windows',
    file: 'cer',
    steps: [
      'Click the button above, and keep the file.',
      'In a terminal: <pre>certutil -user -addstore Root %USERPROFILE%\\Downloads\\midwire-ca-cert.cer</pre>',
      'Or double-click the file: <b>Install Certificate</b> › <b>Current User</b> › <b>Place all certificates in the following store</b> › <b>Trusted Root Certification Authorities</b>.',
    ],
    note: 'Edge and Chrome trust it at once; Firefox has a list of its own. To undo it: <code>certmgr.msc</code>.',
  },
  {
    id: 'macos',
    title: 'macOS',
    file: 'pem',
    steps: [
      'Click the button above.',
      'In a terminal: <pre>sudo security add-trusted-cert -d -r trustRoot -k /Library/Keychains/System.keychain ~/Downloads/midwire-ca-cert.pem</pre>',
      'Or double-click the file, find <b>{name}</b> in <b>Keychain Access</b>, and under <b>Trust</b> choose <b>Always Trust</b>.',
    ],
    note: 'Safari and Chrome trust it at once; Firefox has a list of its own. To undo it, delete it in Keychain Access.',
  },
  {
    id: 'linux',
    title: 'Linux',
    file: 'pem',
    apart: true,
    steps: [
      'Debian, Ubuntu: <pre>sudo cp midwire-ca-cert.pem /usr/local/share/ca-certificates/midwire.crt\nsudo update-ca-certificates</pre>',
      'Fedora, RHEL, Arch: <pre>sudo trust anchor midwire-ca-cert.pem</pre>',
      'Chrome and Chromium have a list of their own (certutil is in <code>libnss3-tools</code> or <code>nss-tools</code>): <pre>certutil -d sql:$HOME/.pki/nssdb -A -t C,, -n midwire -i midwire-ca-cert.pem</pre>',
    ],
    note: 'To undo it: delete the file and run <code>sudo update-ca-certificates --fresh</code>, or <code>sudo trust anchor --remove midwire-ca-cert.pem</code>; and <code>certutil -d sql:$HOME/.pki/nssdb -D -n midwire</code>.',
  },
  {
    id: 'firefox',
    title: 'Firefox',
    file: 'pem',
    steps: [
      'Click the button above, and keep the file.',
      'Open <b>Settings</b> › <b>Privacy &amp; Security</b> › <b>Certificates</b> › <b>View Certificates</b> › <b>Authorities</b> › <b>Import</b>.',
      'Choose the file, and tick <b>Trust this CA to identify websites</b>.',
    ],
    note: 'On a computer it can use the system’s list instead: in <code>about:config</code> set <code>security.enterprise_roots.enabled</code> to true. On Android: <b>Settings</b> › <b>About Firefox</b>, tap the logo five times, then <b>Secret Settings</b> › <b>Use third party CA certificates</b>.',
  },
  {
    id: 'programs',
    title: 'curl, Node, Python and other programs',
    file: 'pem',
    apart: true,
    steps: [
      'curl: <pre>curl --cacert midwire-ca-cert.pem https://example.org</pre>',
      'Node: <pre>export NODE_EXTRA_CA_CERTS=$PWD/midwire-ca-cert.pem</pre>',
      'Python with requests: <pre>export REQUESTS_CA_BUNDLE=$PWD/midwire-ca-cert.pem</pre>',
      'Python’s ssl, Go, Ruby and programs that use OpenSSL: <pre>export SSL_CERT_FILE=$PWD/midwire-ca-cert.pem</pre>',
      'git: <pre>git config --global http.sslCAInfo $PWD/midwire-ca-cert.pem</pre>',
    ],
    note: 'Except with Node, the program then trusts no other authorities.',
  },
]

/** The platforms that a visitor may have by the User-Agent field, the most likely one first. */
export function platformsOf(userAgent: string): readonly Platform[] {
  const has = (pattern: RegExp) => pattern.test(userAgent)
  if (has(/iPhone|iPad|iPod/)) return ['ios']
  if (has(/Android/)) return has(/Firefox/) ? ['android', 'firefox'] : ['android']
  const browser: Platform[] = has(/Firefox\//) ? ['firefox'] : []
  if (has(/Windows/)) return [...browser, 'windows']
  // Safari on an iPad sends the User-Agent field of a Macintosh.
  if (has(/Macintosh|Mac OS X/)) return [...browser, 'macos', 'ios']
  if (has(/Linux|X11|CrOS/)) return [...browser, 'linux']
  if (has(/^(curl|Wget|python|node|undici|Go-http)/i)) return ['programs', 'linux']
  return browser
}
