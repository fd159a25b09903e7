"""What `wavenet VERB --help` ends with: examples, and what a line for each option cannot say."""

from __future__ import annotations

from wavenet.datasets import catalogue

DATASETS = "\n".join(
    f"  {name:<26}{one.words():<15}{one.licence}\n  {'':<26}{one.title}" for name, one in catalogue.DATASETS.items()
)
EPILOGS = {
    "train": """examples:
  wavenet train quickstart
  wavenet train folder --data recordings/ --out runs/mine --max-time 30m
  wavenet train folder --data recordings/ --out runs/mine --resume
  wavenet train digits --set train.steps=2000 --set model.residual_channels=32""",
    "generate": """examples:
  wavenet generate runs/quickstart --seconds 3 --seed 1 -o out.wav
  wavenet generate runs/quickstart -n 8 --temperature 0.9 -o out.wav
  wavenet generate runs/quickstart -n 5 --best-of 4 --until-silence -o words.wav
  wavenet generate runs/quickstart --prime beginning.wav -o - | aplay
  wavenet generate runs/digits --speaker jackson --label 7 -o seven.wav
  wavenet generate runs/digits --speaker jackson --label all       # ten words, NAME-sSEED-jackson-0.wav...
  wavenet generate runs/piano --condition pitch=60 --condition velocity=mf --guidance 2 -o c4.wav""",
    "say": """Text may be of any length, with pauses as [pause 0.5s]. It needs pip install 'wavenet-audio[speech]'.

Words that are written alike (read, live, wind) are said in one way, and names by rule; the phones of CMUdict say it
better, as in "I [[R EH1 D]] it": the 1 marks the stressed vowel, and _ stands between words. Dates are read as
Americans write them: 5/11/2026 is May eleventh. Write 2026-11-05, or 5 November, for the other one.

examples:
  wavenet say runs/kathleen-say "hello world" -o hello.wav
  wavenet say runs/kathleen-say -f story.txt -o - | aplay          # begins at once, however long it is
  wavenet say runs/kathleen-say "Yesterday I [[R EH1 D]] it." -o read.wav
  echo "It is five past ten." | wavenet say runs/kathleen-say - --speed 1.2 -o time.wav
  wavenet say runs/kathleen-say --phones "HH AH L OW1 _ W ER1 L D" -o hello.wav""",
    "vocode": """A copy is made from the mel spectrogram (or F0, or arrays) of a sound: as long, under its name.

A .npy file holds natural logarithms of a mel spectrogram, [frames, bands] or [bands, frames] of floating point, with
the parameters that `condition.tracks.mel` has in the model's recipe. Its hop must be the recipe's `hop_samples`: the
file does not say it, and a copy from another one is too long or too short. The mels of Tacotron 2 and FastPitch are
such; a recipe for them has audio.sample_rate 22050, no data.level (their mels are as loud as the recordings), and
condition: {channels: 64, hop_samples: 256, encoder: [{kernel: 3, dilation: 1}], tracks: {mel: {bands: 80, fft_samples:
1024, window_samples: 1024, low_hz: 0, high_hz: 8000, power: 1, scale: slaney, norm: slaney, floor: 1.0e-5}}}. Their
frames stand half a hop earlier, and what is made of them comes half a hop, 6 ms, late.

examples:
  wavenet vocode runs/digits take.wav -o copy.wav
  wavenet vocode runs/digits recordings/ more.flac -o copies/
  wavenet vocode runs/digits mel.npy -o spoken.wav --speaker jackson""",
    "evaluate": """examples:
  wavenet evaluate runs/quickstart --split valid
  wavenet evaluate runs/digits --sound          # is generated sound like real sound? does it copy?
  wavenet evaluate runs/digits --data speech.wav --plot surprise.png --surprisal bits.npy
  wavenet evaluate runs/digits --json --limit 5m
  wavenet evaluate runs/digits --conditions --guidance 1.5
  wavenet evaluate runs/kathleen-say --speech --save clips/ --plot speech.png

A model is told what it is given beside the past of a sound: values of fields, such as a speaker, and tracks, such as a
mel spectrogram. --sound judges what `wavenet generate` makes when it is asked for the fields of held-out clips. Where
the model is told tracks that nothing predicts, its clips are copies of held-out ones. The report says which it was.

For --conditions a recogniser is trained on the training sound at the end: for minutes, once. Ctrl-C leaves out what it
would hear, and all else is reported.

--speech is for voices that are told phones, and English recordings with their text; it needs pip install
'wavenet-audio[speech]'. pocketsphinx names which of the sentences each clip says, and writes its words down; a
recogniser of phones, trained once on the training recordings, names it too. Clips are drawn sample by sample from what
the model drew before. Writing words down comes last and takes minutes; Ctrl-C leaves out what is missing.""",
    "inspect": """examples:
  wavenet inspect quickstart --plot sheet.png
  wavenet inspect wavenet-2016 --layers --lags
  wavenet inspect runs/quickstart --measure            # on its own held-out sound
  wavenet inspect runs/quickstart --measure piece.wav --plot sheet.pdf
  wavenet inspect --span 250ms --rate 16000 --kernel 2 --max-params 1000000
  wavenet inspect LAYERS.yaml --size 224 --layers      # every output's size, every layer's parameters
  wavenet inspect LAYERS.yaml --json

A LAYERS.yaml describes the convolutions and pooling layers of any network (samples/layers has thirteen).
`in` and `out` are only needed for parameters and multiply-adds:
  dims: 2                      # axes of the kernels, 1 or 2 (default: 1)
  padding: same                # causal (default for dims 1), same (default for dims 2), valid, or a number
  sample_rate: 16000           # optional, in Hz
  layers:
    - {kernel: 7, stride: 2, dilation: 1, padding: 3, in: 3, out: 64, bias: false, groups: 1}
    - {kernel: 3, stride: 2}   # pooling has no `out`; the `in` of a convolution is the last `out`
    - parallel: [[{kernel: 1}], [{kernel: 3, dilation: 6}], [{pool: global}, {kernel: 1}]]
      join: add                # concatenate (default) or add the channels of the branches""",
    "data": """examples:
  wavenet data fetch digits
  wavenet data scan recordings/
  wavenet data scan recordings/ --recipe folder
  wavenet data align recordings/""",
    "data scan": """With a --recipe that tells phones (kathleen-say), it also says of how many files they can be found.
The exit code is 0 if any file is kept (and, with --recipe, if training could begin), else 2.

examples:
  wavenet data scan recordings/
  wavenet data scan recordings/ --recipe kathleen-say""",
    "data align": """English recordings are aligned with their text: a column `text` of metadata.csv, LJSpeech's own, or
a text file for each (NAME.txt beside NAME.wav, or as VCTK and LibriTTS have them). In any language, labels beside them
can say what is said when, and come first where they exist: NAME.TextGrid, as the Montreal Forced Aligner writes it
(tiers `phones` and `words`), or NAME.lab, as HTK does (lines of start, end, name).

recipes/OTHER-LANGUAGES.md leads from there to a voice in another language than English.

Training does the same by itself where a recipe tells phones. What is found is kept beside the decoded sound, and a
command that was stopped goes on where it was. The exit code is 0 if any recording is aligned, else 2.

examples:
  wavenet data align recordings/
  wavenet data align recordings/ --limit 20 --plot phones.png""",
    "data fetch": f"""To go on with a download that was stopped, give the same command again.

data sets:
{DATASETS}

The recipes digits, ljspeech, vctk and sc09 find their data set once it is fetched (`wavenet train digits`);
any recipe reads a folder with --data DIR. At its end, fetch prints the command that trains on the data set.

examples:
  wavenet data fetch digits         # `wavenet train digits` finds it
  wavenet data fetch yesno --to sounds/yesno""",
    "export": """The folder gets the weights, config.json, the counts of the training sound that `wavenet evaluate`
compares with, and CARD.md, a model card: what the model knows of itself is in it, what only you know is marked there.

examples:
  wavenet export runs/mine -o voices/mine
  wavenet export runs/mine -o voices/amy --name amy --storage float32
  wavenet export runs/mine -o voices/mine --force           # with newer weights, and the card as it is""",
    "voices": """A voice is named wherever a run or bundle is given; one of that name in the working folder comes first.
Where a recipe may be given too, as to train, inspect and bench, a name means the recipe.

examples:
  wavenet voices
  wavenet voices --json
  wavenet voices runs/quickstart""",
    "bench": """examples:
  wavenet bench                     # an untrained network of a common size
  wavenet bench runs/quickstart     # also what half precision costs in bits
  wavenet bench runs/kathleen-say   # also whether text is said as fast as it sounds, and how soon
  wavenet bench wavenet-2016 --json
  wavenet bench --plot speed.png""",
    "demo": """examples:
  wavenet demo                      # kathleen.wav, digits.wav and piano.wav, each with its spectrogram
  wavenet demo --seed 1 -o other/""",
    "recipes": """examples:
  wavenet recipes
  wavenet recipes digits
  wavenet recipes --keys                # what every key means, and its values
  wavenet recipes --keys model.dilations""",
    "doctor": "example:\n  wavenet doctor",
}
