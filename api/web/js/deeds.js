/** What one can do about somebody in the room, as entries of a menu. Pure. */

/**
 * Entries `{name, label, icon, wish}`: `wish` is what to PATCH. `remove` has none: it is another call, and `danger`.
 * @param {object} person as in the room's participants
 * @param {?string} me our own participant id
 */
export function deedsFor(person, me) {
  const mine = person.id === me;
  const deeds = [
    pinning(person),
    person.spotlight
      ? { name: "spotlight", label: "End the spotlight", icon: "spotlight", wish: { spotlight: false } }
      : { name: "spotlight", label: "Put in the spotlight", icon: "spotlight", wish: { spotlight: true } },
    person.hidden
      ? { name: "hide", label: "Show in the picture", icon: "eye", wish: { hidden: false } }
      : { name: "hide", label: "Hide from the picture", icon: "eye-off", wish: { hidden: true } },
  ];
  if (person.silenced) {
    deeds.push({ name: "mute", label: "Unmute for everybody", icon: "mic", wish: { muted: false } });
  } else if (!mine) {
    deeds.push({ name: "mute", label: "Mute for everybody", icon: "mic-off", wish: { muted: true } });
  }
  if (!mine) deeds.push({ name: "remove", label: "Remove from the room", icon: "leave", danger: true });
  return deeds;
}

/** Pin, or unpin. */
export function pinning(person) {
  return person.pinned
    ? { name: "pin", label: "Unpin", icon: "pin-off", wish: { pinned: false } }
    : { name: "pin", label: "Pin", icon: "pin", wish: { pinned: true } };
}

/** What is to be said of somebody: `["pinned", "muted"]`. */
export function marksOf(person) {
  return [
    person.pinned && "pinned",
    person.spotlight && "in the spotlight",
    person.hidden && "hidden from the picture",
    person.silenced ? "muted for everybody" : person.muted && "muted",
    person.speaking && "speaking",
    person.camera_on === false && "camera off",
  ].filter(Boolean);
}
