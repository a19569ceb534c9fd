/**
 * Module hooks: TypeScript becomes JavaScript (types are dropped), and the parsers' own code counts
 * which branches run. Each branch has a place in globalThis.retuneBranches.counts; a module says
 * which places are its when it is loaded.
 */
import { readFileSync } from 'node:fs';
import { relative, sep } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

const root = fileURLToPath(new URL('../../..', import.meta.url));
/** Folders whose branches are counted: what reads files. */
const COUNTED = ['compiler', 'fleet', 'sim'];

let next = 0;

/** A transformer that counts, from place `first` on; `lines` takes the line of each. */
function counting(lines) {
  return (context) => (source) => {
    const { factory } = context;
    const place = (node) => {
      const at = node.getStart(source, false);
      lines.push(source.getLineAndCharacterOfPosition(Math.max(at, 0)).line + 1);
      return next++;
    };
    const count = (node) =>
      factory.createPostfixIncrement(
        factory.createElementAccessExpression(
          factory.createIdentifier('retuneCounts'),
          factory.createNumericLiteral(place(node)),
        ),
      );
    const statement = (node) => factory.createExpressionStatement(count(node));
    const value = (node, visited) =>
      factory.createParenthesizedExpression(
        factory.createBinaryExpression(count(node), ts.SyntaxKind.CommaToken, visited),
      );
    const branch = (node) => {
      const visited = ts.visitNode(node, visit);
      return ts.isBlock(node) ? visited : factory.createBlock([statement(node), visited], true);
    };
    const visit = (node) => {
      if (ts.isTypeNode(node)) return node;
      if (ts.isBlock(node)) {
        const visited = ts.visitEachChild(node, visit, context);
        return factory.updateBlock(visited, [statement(node), ...visited.statements]);
      }
      if (ts.isCaseClause(node)) {
        const visited = ts.visitEachChild(node, visit, context);
        const statements = [statement(node), ...visited.statements];
        return factory.updateCaseClause(visited, visited.expression, statements);
      }
      if (ts.isIfStatement(node)) {
        return factory.updateIfStatement(
          node,
          ts.visitNode(node.expression, visit),
          branch(node.thenStatement),
          node.elseStatement && branch(node.elseStatement),
        );
      }
      if (ts.isConditionalExpression(node)) {
        return factory.updateConditionalExpression(
          node,
          ts.visitNode(node.condition, visit),
          node.questionToken,
          value(node.whenTrue, ts.visitNode(node.whenTrue, visit)),
          node.colonToken,
          value(node.whenFalse, ts.visitNode(node.whenFalse, visit)),
        );
      }
      if (ts.isArrowFunction(node) && !ts.isBlock(node.body)) {
        return factory.updateArrowFunction(
          node,
          node.modifiers,
          node.typeParameters,
          ts.visitNodes(node.parameters, visit),
          node.type,
          node.equalsGreaterThanToken,
          value(node.body, ts.visitNode(node.body, visit)),
        );
      }
      if (ts.isBinaryExpression(node) && isShortCircuit(node.operatorToken.kind)) {
        return factory.updateBinaryExpression(
          node,
          ts.visitNode(node.left, visit),
          node.operatorToken,
          value(node.right, ts.visitNode(node.right, visit)),
        );
      }
      return ts.visitEachChild(node, visit, context);
    };
    return ts.visitEachChild(source, visit, context);
  };
}

const isShortCircuit = (kind) =>
  kind === ts.SyntaxKind.AmpersandAmpersandToken ||
  kind === ts.SyntaxKind.BarBarToken ||
  kind === ts.SyntaxKind.QuestionQuestionToken;

export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context);
  const path = fileURLToPath(url);
  const name = relative(root, path).split(sep).join('/');
  const isCounted = COUNTED.some((folder) => name.startsWith(`${folder}/`));
  const first = next;
  const lines = [];
  const { outputText } = ts.transpileModule(readFileSync(path, 'utf8'), {
    fileName: path,
    transformers: { before: isCounted ? [counting(lines)] : [] },
    compilerOptions: {
      module: ts.ModuleKind.ESNext,
      target: ts.ScriptTarget.ES2022,
      verbatimModuleSyntax: true,
    },
  });
  const head =
    'const retuneCounts = globalThis.retuneBranches.counts;' +
    `globalThis.retuneBranches.modules.push(${JSON.stringify({ name, first, lines })});`;
  const source = isCounted ? `${head}${outputText}` : outputText;
  return { format: 'module', source, shortCircuit: true };
}
