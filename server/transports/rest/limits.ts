/** The largest JSON body, in bytes: well above any request of the API, small enough to hold thousands of them. */
export const BODY_BYTES_MAX = 1_048_576;
/** Objects and lists inside each other in a body: twice what any request of the API has. */
export const BODY_LEVELS_MAX = 32;
/** Problems listed in one `invalid_input`: enough to mend a form, too few to make a small request costly. */
export const PROBLEMS_MAX = 20;
/** How much of a problem's text is shown, in characters: it may quote a name the caller chose. */
export const PROBLEM_LENGTH_MAX = 200;
/** The longest page cursor, in characters: twice what the longest of ours has. */
export const CURSOR_CHARACTERS_MAX = 200;
