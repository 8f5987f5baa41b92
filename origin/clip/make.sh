#!/bin/sh
# Makes the clip that the `loop` source plays: 8 s of test card and tone in 2 s segments, under
# 400 kB in all, since every binary carries it. Run it in this folder; it needs ffmpeg with libx264.
set -eu
ffmpeg -hide_banner -loglevel error -y \
  -f lavfi -i "testsrc2=size=640x360:rate=25:duration=8,drawtext=text='looped clip':fontsize=40:fontcolor=white:box=1:boxcolor=black@0.6:boxborderw=8:x=(w-text_w)/2:y=h*0.75" \
  -f lavfi -i "sine=frequency=440:beep_factor=4:sample_rate=48000:duration=8" \
  -c:v libx264 -preset veryslow -pix_fmt yuv420p -bf 0 -b:v 300k -maxrate 340k -bufsize 340k \
  -g 50 -keyint_min 50 -sc_threshold 0 -force_key_frames "expr:gte(t,n_forced*2)" \
  -c:a aac -b:a 32k -ac 1 \
  -f hls -hls_time 2 -hls_list_size 0 -hls_segment_filename clip-%d.ts index.m3u8
rm index.m3u8
