/** A style sheet, as the bundler gives it: its text. */
declare module '*.css' {
  const text: string;
  // biome-ignore lint/style/noDefaultExport: this is how bundlers give a file that is no module.
  export default text;
}
