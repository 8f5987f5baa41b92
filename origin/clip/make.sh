#!/bin/sh
# Makes what every binary carries: the clip that the `loop` source plays, 8 s of test card and tone,
# and the slate that stands in for a stream that is away, 8 s of still picture and silence. Each is cut
# into 2 s segments, as CMAF with picture and sound apart (`video-0.m4s`, `audio-0.m4s` and their
# headers) and as MPEG-TS with both in one (`0.ts`). Run it in this folder; it needs ffmpeg with
# libx264 and a font.
set -eu
ffmpeg="ffmpeg -hide_banner -loglevel error -y"
exact="-fflags +bitexact -flags +bitexact -map_metadata -1"
work=$(mktemp -d)

# A round of AAC is 375 frames, exactly 8 s, and begins and ends in the middle of a longer sound:
# nothing is missing where one round follows another. SOUND BITRATE
sound() {
  $ffmpeg -f lavfi -i "$1" -t 24 -c:a aac -b:a "$2" -ac 1 $exact "$work/long.m4a"
  $ffmpeg -ss 8 -i "$work/long.m4a" -t 8 -c copy $exact "$work/sound.mp4"
}

# One key frame a segment, at its start, and no B-frames. PICTURE FPS OPTIONS...
picture() {
  picture=$1 frames=$(($2 * 2))
  shift 2
  $ffmpeg -f lavfi -i "$picture" -t 8 -c:v libx264 -preset veryslow -pix_fmt yuv420p -bf 0 "$@" \
    -g $frames -keyint_min $frames -sc_threshold 0 -force_key_frames "expr:gte(t,n_forced*2)" \
    -bsf:v filter_units=remove_types=6 $exact "$work/picture.mp4"
}

# FOLDER
segments() {
  rm -rf "$1" && mkdir "$1"
  $ffmpeg -i "$work/picture.mp4" -i "$work/sound.mp4" -map 0:v -map 1:a -c copy $exact \
    -f dash -seg_duration 2 -use_template 1 -use_timeline 1 \
    -adaptation_sets "id=0,streams=v id=1,streams=a" \
    -init_seg_name 'track-$RepresentationID$-header.mp4' \
    -media_seg_name 'track-$RepresentationID$-$Number$.m4s' "$1/manifest.mpd"
  $ffmpeg -i "$work/picture.mp4" -i "$work/sound.mp4" -map 0:v -map 1:a -c copy $exact \
    -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename "$1/%d.ts" "$1/index.m3u8"
  rm "$1/manifest.mpd" "$1/index.m3u8"
  for track in 0-video 1-audio; do
    mv "$1/track-${track%-*}-header.mp4" "$1/${track#*-}-header.mp4"
    for number in 1 2 3 4; do
      mv "$1/track-${track%-*}-$number.m4s" "$1/${track#*-}-$((number - 1)).m4s"
    done
  done
}

sound "sine=frequency=440:beep_factor=4:sample_rate=48000" 32k
picture "testsrc2=size=640x360:rate=25,drawtext=text='looped clip':fontsize=40:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8:x=(w-text_w)/2:y=h*0.75" \
  25 -b:v 300k -maxrate 340k -bufsize 340k
segments clip

sound "anullsrc=channel_layout=mono:sample_rate=48000" 8k
picture "color=color=0x15171a:size=640x360:rate=5,drawtext=text='The stream is offline':fontsize=28:fontcolor=0x9da3a8:x=(w-text_w)/2:y=(h-text_h)/2" \
  5 -crf 30
segments slate

rm -r "$work"
