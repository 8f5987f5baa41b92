// The controls over the picture: media-chrome's, around the video element that is there already.
// Without them the browser's own are as good.
import "media-chrome/dist/media-control-bar.js";
import "media-chrome/dist/media-controller.js";
import "media-chrome/dist/media-fullscreen-button.js";
import "media-chrome/dist/media-live-button.js";
import "media-chrome/dist/media-mute-button.js";
import "media-chrome/dist/media-pip-button.js";
import "media-chrome/dist/media-play-button.js";
import "media-chrome/dist/media-volume-range.js";

/**
 * Their "live" is the end of what can be reached, where nobody has anything to share: `toLive` goes
 * to where the player means to be.
 */
export function bindControls(controls: HTMLElement, toLive: () => void): void {
  controls.addEventListener(
    "mediaseektoliverequest",
    (event) => {
      event.stopImmediatePropagation();
      toLive();
    },
    { capture: true },
  );
}
