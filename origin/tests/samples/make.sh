#!/bin/sh
# Makes the CMAF that the tests read: for each codec the header of a track, and for H.264, H.265 and
# AAC a segment of a second. Run it in this folder; it needs ffmpeg with the encoders named below.
set -eu
ffmpeg="ffmpeg -hide_banner -loglevel error -y"
picture="testsrc2=size=64x48:rate=10:duration=2"
tone="sine=frequency=440:sample_rate=48000:duration=2"

# One track as a header and segments of a second, of which the first is kept: NAME INPUT OPTIONS...
track() {
  name=$1 input=$2
  shift 2
  folder=$(mktemp -d)
  $ffmpeg -f lavfi -i "$input" "$@" -fflags +bitexact -flags +bitexact \
    -strict -2 -f dash -dash_segment_type mp4 -seg_duration 1 -use_template 1 -use_timeline 1 \
    -init_seg_name header.mp4 -media_seg_name 'segment-$Number$.m4s' "$folder/manifest.mpd"
  mv "$folder/header.mp4" "$name.header.mp4"
  mv "$folder/segment-1.m4s" "$name.m4s"
  rm -r "$folder"
}

# Without the encoder's own note about itself, which is as long as the picture.
video="-pix_fmt yuv420p -g 10 -keyint_min 10"
track h264 "$picture" -c:v libx264 -preset veryslow -crf 45 -sc_threshold 0 $video \
  -bsf:v 'filter_units=remove_types=6'
track h265 "$picture" -c:v libx265 -preset veryslow -crf 45 -tag:v hvc1 $video \
  -x265-params log-level=error:scenecut=0:info=0
track av1 "$picture" -c:v libaom-av1 -cpu-used 8 -crf 60 -b:v 0 $video
track vp9 "$picture" -c:v libvpx-vp9 -crf 60 -b:v 0 $video
track aac "$tone" -c:a aac -b:a 16k -ac 1
track opus "$tone" -c:a libopus -b:a 16k -ac 1
track ac3 "$tone" -c:a ac3 -b:a 64k -ac 2
track eac3 "$tone" -c:a eac3 -b:a 64k -ac 2
track flac "$tone" -c:a flac -ac 1
# Of these the header is all that is read.
rm av1.m4s vp9.m4s opus.m4s ac3.m4s eac3.m4s flac.m4s

# Header and segment in one file, with a fragment for each frame, as for low latency.
$ffmpeg -f lavfi -i "$picture" -c:v libx264 -preset veryslow -crf 45 -sc_threshold 0 $video \
  -bsf:v 'filter_units=remove_types=6' -fflags +bitexact -flags +bitexact \
  -t 1 -f mp4 -movflags +cmaf+frag_every_frame+delay_moov+skip_trailer fragments.mp4
