import { createSeededRandom } from '../support/random.ts';

/** Sentences in many scripts, code, signs that are composed, and what tokenizers treat as a case of its own. */
const SENTENCES = [
  'The quick brown fox, aged 12, jumps over the lazy dog.\n',
  'Der schnelle braune Fuchs springt über den faulen Hund; größer, schöner, weiter!',
  'Быстрая коричневая лиса прыгает через ленивую собаку 2024 года.',
  '敏捷的棕色狐狸跳过了懒狗。今天天气很好，我们去公园散步吧！',
  '素早い茶色の狐がのろまな犬を飛び越える。カタカナもあります。',
  '빠른 갈색 여우가 게으른 개를 뛰어넘습니다.',
  'الثعلب البني السريع يقفز فوق الكلب الكسول',
  'तेज़ भूरी लोमड़ी आलसी कुत्ते के ऊपर कूदती है',
  'สุนัขจิ้งจอกสีน้ำตาลกระโดดข้ามสุนัขขี้เกียจ',
  'מהיר השועל החום קופץ',
  'Το γρήγορο καφέ αλεπού',
  'function f(a: number) {\n  return a ** 2; // 漢字 🙂\n}\n',
  '🙂👨‍👩‍👧‍👦🏳️‍🌈 e\u0301 caf\u00e9 ﬁ ½ Å',
  '   leading and    many   spaces\t\ttabs\n\n\nlines  ',
  '<|endoftext|> <|im_start|>user </s> <s> [INST]',
  '1234567890 3.14159 1,000,000 0x1F',
  '\ufeffmark \u00a0no-break\u3000ideographic',
  "I'll you've WE'RE don't O'Neil's",
  'Tiếng Việt có dấu, Türkçe İstanbul ığüş, Polski żółć',
];

/** Each sentence, hard runs, and texts of many sentences, some of them far longer than what is counted at once. */
export function multilingualTexts(): string[] {
  const random = createSeededRandom(1);
  const pick = () => SENTENCES[Math.floor(random.fraction() * SENTENCES.length)] ?? '';
  const mixed = (sentences: number) =>
    Array.from({ length: sentences }, () => pick() + [' ', '\n', ''][Math.floor(random.fraction() * 3)]).join(
      '',
    );
  return [
    ...SENTENCES,
    ...['a', '漢', ' ', 'ab', '\r\n'].map((unit) => unit.repeat(300)),
    ...Array.from({ length: 100 }, () => mixed(6)),
    ...Array.from({ length: 5 }, () => mixed(600)),
  ];
}
