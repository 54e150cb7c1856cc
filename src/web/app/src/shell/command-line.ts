// Words of a command line, as a shell reads them: nothing in them is run.
export const quoted = (text: string) => (/^[\w./:@=,+-]+$/.test(text) ? text : `'${text.replaceAll("'", "'\\''")}'`)
