"""Every picture. The only place that imports matplotlib, without a display."""

from wavenet.pictures.alignment import alignment_picture as alignment_picture
from wavenet.pictures.sheet import sheet_picture as sheet_picture
from wavenet.pictures.side_by_side import beside_picture as beside_picture
from wavenet.pictures.side_by_side import sound_rows as sound_rows
from wavenet.pictures.sounds import decibels as decibels
from wavenet.pictures.sounds import spectrogram as spectrogram
from wavenet.pictures.speed_lines import speed_picture as speed_picture
from wavenet.pictures.surprisal import surprisal_picture as surprisal_picture
