export { patched, patchModules, type SourcePatch } from './source-patch.ts'
