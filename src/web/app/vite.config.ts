// How Vite builds the page, all from the server's own address: one style sheet, a script for the first rows, and others for what comes behind them.
import { defineConfig } from 'vite'

export default defineConfig({
  base: '/',
  publicDir: false,
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2023',
    outDir: '../../../dist/web/app',
    emptyOutDir: true,
    // The page's CSP has no room for what is inlined, and all files are near.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    cssCodeSplit: false,
    chunkSizeWarningLimit: 700,
  },
})
