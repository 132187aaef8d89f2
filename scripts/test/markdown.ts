import { readFileSync } from 'node:fs'
import type { Code, Heading, Nodes } from 'mdast'
import remarkParse from 'remark-parse'
import { unified } from 'unified'
import { visit } from 'unist-util-visit'

export interface CodeBlock {
  readonly language: string
  /** What follows the language on the fence's line. */
  readonly meta: string
  readonly text: string
  /** Of the first line of the code, from 1. */
  readonly line: number
}

export interface Link {
  readonly target: string
  readonly line: number
}

export interface MarkdownDocument {
  readonly blocks: readonly CodeBlock[]
  readonly links: readonly Link[]
  /** As GitHub makes them of headings. */
  readonly anchors: ReadonlySet<string>
  readonly text: string
}

export function readMarkdown(file: string): MarkdownDocument {
  const text = readFileSync(file, 'utf8')
  const blocks: CodeBlock[] = []
  const links: Link[] = []
  const anchors = new Set<string>()
  visit(unified().use(remarkParse).parse(text), (node: Nodes) => {
    const line = node.position?.start.line ?? 1
    if (node.type === 'code') blocks.push(blockOf(node, line))
    if (node.type === 'link' || node.type === 'image' || node.type === 'definition')
      links.push({ target: node.url, line })
    if (node.type === 'heading') addAnchor(anchors, node)
  })
  return { blocks, links, anchors, text }
}

function blockOf({ lang, meta, value }: Code, line: number): CodeBlock {
  return { language: lang ?? '', meta: meta ?? '', text: value, line: line + 1 }
}

function addAnchor(anchors: Set<string>, heading: Heading): void {
  const slug = plainText(heading)
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N}\p{M}_\- ]/gu, '')
    .replaceAll(' ', '-')
  let anchor = slug
  for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
  anchors.add(anchor)
}

function plainText(node: Nodes): string {
  if ('value' in node) return node.value
  return 'children' in node ? node.children.map(plainText).join('') : ''
}
