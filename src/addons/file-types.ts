// The media types of files, by the ends of their names.

const TYPES: Readonly<Record<string, string>> = {
  'application/gzip': 'gz tgz',
  'application/json': 'json map',
  'application/ld+json': 'jsonld',
  'application/manifest+json': 'webmanifest',
  'application/octet-stream': 'bin dat exe iso dmg',
  'application/pdf': 'pdf',
  'application/vnd.android.package-archive': 'apk',
  'application/wasm': 'wasm',
  'application/xhtml+xml': 'xhtml',
  'application/xml': 'xml xsl',
  'application/zip': 'zip',
  'audio/mpeg': 'mp3',
  'audio/mp4': 'm4a',
  'audio/ogg': 'oga ogg opus',
  'audio/wav': 'wav',
  'font/otf': 'otf',
  'font/ttf': 'ttf',
  'font/woff': 'woff',
  'font/woff2': 'woff2',
  'image/apng': 'apng',
  'image/avif': 'avif',
  'image/bmp': 'bmp',
  'image/gif': 'gif',
  'image/jpeg': 'jpg jpeg',
  'image/png': 'png',
  'image/svg+xml': 'svg',
  'image/webp': 'webp',
  'image/x-icon': 'ico',
  'text/css': 'css',
  'text/csv': 'csv',
  'text/html': 'html htm',
  'text/javascript': 'js mjs cjs',
  'text/markdown': 'md',
  'text/plain': 'txt log',
  'text/vtt': 'vtt',
  'text/yaml': 'yaml yml',
  'video/mp2t': 'ts',
  'video/mp4': 'mp4 m4v',
  'video/webm': 'webm',
}

const BY_ENDING = new Map(
  Object.entries(TYPES).flatMap(([type, endings]) => endings.split(' ').map((ending) => [ending, type] as const)),
)

/** The type of a file; undefined where its name says none. */
export function typeOf(name: string): string | undefined {
  return BY_ENDING.get(/\.([^./\\]+)$/.exec(name)?.[1]?.toLowerCase() ?? '')
}
