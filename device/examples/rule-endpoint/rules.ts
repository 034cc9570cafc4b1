/** What the stand-in says of itself, in every answer that isn't a calculation or a count, and in its model's name. */
const SELF = 'I am a rule-based stand-in, not a language model.';

const NUMBER = '(-?\\d+(?:\\.\\d+)?)';
const CALCULATION = new RegExp(`${NUMBER}\\s*([+\\-*/x×÷]|plus|minus|times|divided by)\\s*${NUMBER}`, 'i');
const COUNT_WORDS = /\b(?:count|how many)\b[^:]*\bwords?\b[^:]*:\s*([\s\S]+)$/i;
const REPEAT = /^\s*(?:repeat|say|echo)\s*:?\s+([\s\S]+)$/i;

/** The answer to the last thing the user said. The same text gives the same answer. */
export function answerByRule(prompt: string): string {
  const counted = COUNT_WORDS.exec(prompt)?.[1];
  if (counted !== undefined) {
    const count = wordCount(counted);
    return `That text has ${count} ${count === 1 ? 'word' : 'words'}.`;
  }
  const repeated = REPEAT.exec(prompt)?.[1];
  if (repeated !== undefined) return repeated.trim();
  const calculation = CALCULATION.exec(prompt);
  if (calculation !== null) {
    const [, left = '', operator = '', right = ''] = calculation;
    return calculate(Number(left), operator.toLowerCase(), Number(right));
  }
  const count = wordCount(prompt);
  return `${SELF} I count words, calculate with two numbers, and repeat what follows "repeat". You sent ${count} ${
    count === 1 ? 'word' : 'words'
  }.`;
}

/** Words are what stands between white space. */
export function wordCount(text: string): number {
  return text.split(/\s+/).filter((word) => word !== '').length;
}

function calculate(left: number, operator: string, right: number): string {
  switch (operator) {
    case '+':
    case 'plus':
      return `${left} + ${right} = ${rounded(left + right)}`;
    case '-':
    case 'minus':
      return `${left} - ${right} = ${rounded(left - right)}`;
    case '/':
    case '÷':
    case 'divided by':
      return right === 0 ? 'Nothing can be divided by 0.' : `${left} / ${right} = ${rounded(left / right)}`;
    default:
      return `${left} * ${right} = ${rounded(left * right)}`;
  }
}

/** Twelve digits: 0.1 + 0.2 is 0.3 to people. */
function rounded(value: number): number {
  return Number(value.toPrecision(12));
}
