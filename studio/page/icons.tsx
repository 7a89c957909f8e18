// The icons on buttons, drawn on a 16 × 16 grid.
const paths = {
  play: "M4.5 2.6v10.8a.6.6 0 0 0 .92.5l8.4-5.4a.6.6 0 0 0 0-1L5.42 2.1a.6.6 0 0 0-.92.5Z",
  pause: "M4 2.5h2.8v11H4zM9.2 2.5H12v11H9.2z",
  next: "M3.5 3v10l6.6-5zM11 3h1.7v10H11z",
  back: "M12.5 3v10L5.9 8zM5 3H3.3v10H5z",
  rewind: "M8 3.2A5 5 0 1 1 3.2 9.6l1.5-.4A3.4 3.4 0 1 0 8 4.8v2.3L3.9 4 8 .9z",
  seed: "M2.5 2.5h11v11h-11zM4 4v8h8V4zm1.2 1.2h1.6v1.6H5.2zm4 0h1.6v1.6H9.2zm-2 2h1.6v1.6H7.2zm-2 2h1.6v1.6H5.2zm4 0h1.6v1.6H9.2z",
  share:
    "M6.6 9.4a2.4 2.4 0 0 0 3.4 0l2.6-2.6a2.4 2.4 0 0 0-3.4-3.4L8 4.6l1 1 1.2-1.2a1 1 0 0 1 1.4 1.4L9 8.4a1 1 0 0 1-1.4 0zM9.4 6.6a2.4 2.4 0 0 0-3.4 0L3.4 9.2a2.4 2.4 0 0 0 3.4 3.4L8 11.4l-1-1-1.2 1.2a1 1 0 0 1-1.4-1.4L7 7.6a1 1 0 0 1 1.4 0z",
  theme: "M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Zm0 1.6v9.8a4.9 4.9 0 0 1 0-9.8Z",
  search: "M7 2a5 5 0 1 0 3 9l3 3 1.1-1.1-3-3A5 5 0 0 0 7 2Zm0 1.6a3.4 3.4 0 1 1 0 6.8 3.4 3.4 0 0 1 0-6.8Z",
  plus: "M7.2 3h1.6v4.2H13v1.6H8.8V13H7.2V8.8H3V7.2h4.2z",
  minus: "M3 7.2h10v1.6H3z",
  close: "m3.6 4.7 1.1-1.1L8 6.9l3.3-3.3 1.1 1.1L9.1 8l3.3 3.3-1.1 1.1L8 9.1l-3.3 3.3-1.1-1.1L6.9 8z",
  table: "M2 3h12v10H2zm1.5 3.3v2h3.7v-2zm5.2 0v2h3.8v-2zM3.5 9.7v1.8h3.7V9.7zm5.2 0v1.8h3.8V9.7z",
} as const;

export type IconName = keyof typeof paths;

export function Icon({ name }: { readonly name: IconName }) {
  return (
    <svg class="icon" viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={paths[name]} fill="currentColor" fill-rule="evenodd" />
    </svg>
  );
}
