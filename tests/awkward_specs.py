"""Specs that are hard to write as code: named tensors, rows, norms that vary, words of Python."""

from __future__ import annotations

AWKWARD = {
    "functions, choices, and norms with arguments": """
        input: [32, 32, 3]
        vars: {width: 0.75, depth: 1.4, attention: true, base: 64}
        blocks:
          unit:
            params: {out, norm: batch}
            layers:
              - conv: {filters: "max($out, 16) if $in < 100 else 8", kernel: 3, norm: $norm}
              - relu
        layers:
          - unit: {out: "min($base, 96)"}
          - unit: {out: "2 * min($base, 96)", norm: none}
          - conv:
              filters: round_to($base * $width, 8)
              kernel: 5 if $attention else 3
              norm: {batch: {epsilon: 1.0e-4}}
            repeat: ceil(2 * $depth)
          - squeeze_excite: {filters: $in // 4}
            when: $attention and not $width > 1
        """,
    "names that are taken": """
        input: [8, 8, 4]
        layers:
          - conv: {filters: 4, kernel: 3}
            name: conv_2
          - conv: {filters: 4, kernel: 3}
            repeat: 4
        """,
    "words of Python": """
        name: 'a "quoted" \\ name''"'
        input: [8, 8, 4]
        vars: {keras: 4, l: 2, in_: 1, build: 8}
        blocks:
          layers:
            params: {class: 4, x: 3, name: 2, l: $l, range: 2, names: 8, list: 4}
            layers:
              - conv: {filters: $class * $name, kernel: $x, groups: $l}
              - conv: {filters: $names, kernel: 1, groups: $range}
                repeat: $list
          build:
            layers: [relu, layers: {x: 1}]
          print:
            params: {channels, build: 4}
            layers:
              - conv: {filters: $channels + $in, kernel: 1}
              - conv: {filters: $build, kernel: 1}
              - layers: {class: $build}
        layers:
          - layers
          - layers: {class: 8, list: 2}
          - build
          - print: {channels: $keras}
          - print: {channels: 8, build: $build}
          - relu:
            name: import
        """,
    "repeats of all kinds": """
        input: [8, 8, 4]
        vars: {n: 3}
        blocks:
          many:
            params: {n, m: 0}
            layers:
              - conv: {filters: 4, kernel: 3, activation: relu}
                repeat: $n
              - residual: {body: [relu, conv: {filters: $in, kernel: 1}], shortcut: project}
                repeat: $m
              - relu:
                repeat: 2
              - conv: {filters: 2 * $in, kernel: 1}
        layers:
          - many: {n: 2}
          - many: {n: 0, m: 2}
          - many: {n: 3, m: 1}
            repeat: $n
          - many: {n: 1}
            repeat: 5
            name: named
          - conv: {filters: 4, kernel: 1, padding: 2}
            repeat: 4
          - parallel:
              branches: [[many: {n: 1}], [relu], []]
            repeat: 3
        """,
    "conditions of all kinds": """
        input: [8, 8, 8]
        blocks:
          maybe:
            params: {a: 0, b: 1, out: $in, first: 0}
            layers:
              - relu:
                when: $first == 1
              - residual:
                  body:
                    - conv: {filters: $out, kernel: 3, groups: 2}
                      when: $a > 0
                    - parallel:
                        branches:
                          - - relu
                            - conv: {filters: $out, kernel: 1}
                          - [dense: {units: $out}]
                        merge: add
                    - squeeze_excite: {filters: 2}
                    - conv: {filters: $out, kernel: 1, stride: $b}
                  shortcut: project
              - residual:
                  body: [conv: {filters: 8, kernel: 1}]
                  shortcut: if_same
                  activation: relu
              - glu:
                when: $a == 2
        layers:
          - maybe
          - maybe: {a: 1, b: 2}
          - maybe: {a: 2, out: 16, first: 1}
          - maybe: {out: 12}
          - maybe: {a: 1}
        """,
    "numbers that need fractions": """
        input: [8, 8, 4]
        vars: {w: 0.1, rate: 0.3}
        layers:
          - conv: {filters: 30 * $w, kernel: 3}
          - conv: {filters: 3 * $w * 10, kernel: ceil($w * 3 * 10)}
          - dropout: {rate: 1 - $rate}
        """,
    "a parameter of parameters": """
        input: [32,32,4]
        vars: {w: 1.3}
        blocks:
          unit:
            params: {base, v: $base * $w, c: $v // 1}
            layers: [conv: {filters: $c, kernel: 3}]
        layers: [unit: {base: 8}, unit: {base: 10}, unit: {base: 33}]
        """,
    "a family by rounding and rows": """
        name: efficientnet
        input: [48, 48, 3]
        vars: {width: 1.1, depth: 1.2}
        blocks:
          mbconv:
            params: {t, k, c, s: 1}
            layers:
              - residual:
                  body:
                    - conv: {filters: $t * $in, kernel: 1, norm: batch, activation: swish}
                      when: $t != 1
                    - depthwise_conv: {kernel: $k, stride: $s, norm: batch, activation: swish}
                    - squeeze_excite: {filters: $in // 4, activation: swish}
                    - conv: {filters: $c, kernel: 1, norm: batch}
                  shortcut: if_same
          row:
            params: {t, k, s, c, n, wide: "round_to($c * $width, 8)"}
            layers:
              - mbconv: {t: $t, k: $k, c: $wide, s: $s}
              - mbconv: {t: $t, k: $k, c: $wide}
                repeat: ceil($n * $depth) - 1
        layers:
          - conv: {filters: "round_to(32 * $width, 8)", kernel: 3, stride: 2, activation: swish}
          - row: {t: $t, k: $k, s: $s, c: $c, n: $n}
            each:
              t: [1, 6, 6, 6, 6, 6, 6]
              k: [3, 3, 5, 3, 5, 5, 3]
              s: [1, 2, 2, 2, 1, 2, 1]
              c: [16, 24, 40, 80, 112, 192, 320]
              n: [1, 2, 2, 3, 3, 4, 1]
          - conv: {filters: "round_to(1280 * $width, 8)", kernel: 1, norm: batch, activation: swish}
          - global_avg_pool
          - dense: {units: 1000}
        """,
    "named tensors": """
        input: [64,64,3]
        vars: {base: 8}
        blocks:
          double:
            params: {filters}
            layers:
              - conv: {filters: $filters, kernel: 3, norm: batch, activation: relu}
                repeat: 2
          up:
            inputs: [x, skip]
            params: {filters}
            layers:
              - upsample
              - concat:
                from: [-1, skip]
              - double: {filters: $filters}
        layers:
          - double: {filters: $base}
            name: level_1
          - max_pool
          - double: {filters: 2 * $base}
            name: level_2
          - max_pool
          - double: {filters: 4 * $base}
          - up: {filters: 2 * $base}
            from: [-1, level_2]
          - up: {filters: $base}
            from: [-1, level_1]
          - conv: {filters: 1, kernel: 1}
            name: mask
        """,
    "blocks of two inputs that are repeated": """
        input: [32,32,3]
        vars: {n: 3}
        blocks:
          fit:
            params: {filters}
            layers: [relu, conv: {filters: $filters, kernel: 1, norm: batch}]
          normal:
            inputs: [x, previous]
            params: {filters}
            layers:
              - fit: {filters: $filters}
                name: h
              - fit: {filters: $filters}
                from: previous
                name: p
              - separable_conv: {filters: $filters, kernel: 3, norm: batch}
                from: h
                name: a
              - add:
                from: [a, h]
                name: one
              - avg_pool: {size: 3, stride: 1}
                from: p
              - add:
                from: [-1, p]
                name: two
              - concat:
                from: [p, one, two]
        layers:
          - conv: {filters: 8, kernel: 3}
          - conv: {filters: 8, kernel: 1}
          - normal: {filters: 8}
            from: [-1, -2]
            repeat: $n
          - relu
          - normal: {filters: 16}
            from: [-1, -2]
          - normal: {filters: 16}
            from: [-1, -2]
            repeat: 2
          - add:
            from: [-1, -2]
        """,
    "distances past repetitions": """
        input: [32,32,3]
        blocks:
          dense_layer:
            params: {growth: 4}
            layers:
              - conv: {filters: 4 * $growth, kernel: 1, norm: batch, activation: relu}
              - conv: {filters: $growth, kernel: 3}
        layers:
          - conv: {filters: 8, kernel: 3}
          - parallel: {branches: [[], [dense_layer]]}
            repeat: 4
          - conv: {filters: 8, kernel: 1}
            name: p
          - relu
          - conv: {filters: 8, kernel: 1}
            when: $in > 4
          - add:
            from: [p, -1]
          - maximum:
            from: [-1, -2]
          - average:
            from: [-1, p, p]
        """,
    "several inputs and outputs": """
        inputs: {image: [32,32,3], sound: [32, 32, 2]}
        outputs: [p3b, p4]
        layers:
          - conv: {filters: 8, kernel: 3, stride: 2}
            from: image
            name: c3
          - conv: {filters: 8, kernel: 3, stride: 2}
            name: c4
          - conv: {filters: 8, kernel: 1}
            name: p4
          - upsample
          - add:
            from: [-1, c3]
            name: p3
          - conv: {filters: 4, kernel: 3, stride: 2}
            from: sound
          - concat:
            from: [-1, p3]
            name: p3b
        """,
    "names read in lists inside": """
        input: [32,32,8]
        layers:
          - conv: {filters: 8, kernel: 3}
            name: stem
          - relu
          - residual:
              body:
                - conv: {filters: 8, kernel: 3}
                - add:
                  from: [-1, stem]
          - parallel:
              branches:
                - - conv: {filters: 8, kernel: 3}
                    from: stem
                - - relu
              merge: add
          - relu:
            name: maybe
            when: 1 > 2
          - sigmoid:
            from: stem
          - multiply:
            from: [-1, maybe]
          - each_one:
              k: 1
            each: {w: [8, 16, 8], k: [1, 3, 1]}
            when: $w > 8
        blocks:
          each_one:
            params: {k, out: "$in + $k"}
            layers: [conv: {filters: $out, kernel: $k}]
        """,
    "norms, activations and groups that vary": """
        input: [32,32,8]
        groups: {"a.conv": 4, "b.*": 2, "*.shortcut.conv": 4, "depthwise_conv": 4}
        blocks:
          unit:
            params: {norm: batch, act: relu, p: same, g: 2, s: 1}
            layers:
              - conv: {filters: 8, kernel: 3, groups: $g, norm: $norm, activation: $act,
                       padding: $p, stride: $s}
              - channel_shuffle: {groups: 4}
              - depthwise_conv: {kernel: 3, norm: $norm}
          res:
            params: {f, s: 1}
            layers:
              - residual: {body: [conv: {filters: $f, kernel: 3, stride: $s}], shortcut: project}
        layers:
          - unit:
            name: a
          - unit: {norm: none, act: leaky_relu, p: 1}
            name: b
          - unit: {norm: layer, act: gelu, g: depthwise}
          - unit: {act: elu, p: [0, 1]}
          - depthwise_conv: {kernel: 3}
          - channel_shuffle: {groups: 4}
          - res: {f: 16, s: 2}
          - res: {f: 16}
          - res: {f: 32}
        """,
    "a name that is sometimes off and reads another tensor": """
        input: [8, 8, 8]
        blocks:
          u:
            params: {aux: true}
            layers:
              - conv: {filters: 8, kernel: 3}
                name: a
              - conv: {filters: 8, kernel: 1}
                name: b
              - conv: {filters: 8, kernel: 3}
                name: side
                when: $aux
                from: a
              - add:
                from: [b, side]
        layers:
          - u
          - u: {aux: false}
    """,
    "arguments longer than a line": """
        input: [8, 8, 8]
        vars:
          a_rather_long_variable: 8
          another_rather_long_variable: 4
          k: $a_rather_long_variable * $another_rather_long_variable * 2 // 64 +
            $a_rather_long_variable // $another_rather_long_variable
        layers:
          - conv:
              filters: round_to($a_rather_long_variable * $another_rather_long_variable +
                $a_rather_long_variable // $another_rather_long_variable, 8)
              kernel: $k
          - conv:
              filters: $a_rather_long_variable * $another_rather_long_variable if
                $a_rather_long_variable > 8 * $another_rather_long_variable else
                3 * $a_rather_long_variable
              kernel: 3
          - conv:
              filters: max($a_rather_long_variable * $another_rather_long_variable,
                $a_rather_long_variable // $another_rather_long_variable,
                8 * $a_rather_long_variable)
              kernel: 3
    """,
    "rotations": """
        input: [8, 8, 8]
        blocks:
          cell:
            inputs: [x, y]
            params: {k}
            layers:
              - conv: {filters: 8, kernel: $k}
                from: x
              - add:
                from: [-1, y]
        layers:
          - conv: {filters: 8, kernel: 1}
          - cell: {k: $k}
            from: [-1, -2]
            each: {k: [1, 3, 5]}
          - conv: {filters: 8, kernel: 1}
          - concat:
            from: [-1, -2, -3]
            repeat: 2
          - maximum:
            from: [-1, -1]
          - conv: {filters: 8, kernel: 1}
          - conv: {filters: 8, kernel: 1}
          - conv: {filters: 8, kernel: 1}
          - add:
            from: [-1, -2, -3, -1]
            repeat: 2
    """,
    "pairs in variables": """
        input: [8, 8, 8]
        vars: {p: [[1, 2], [0, 1]], k: [3, 1]}
        blocks:
          b:
            params: {k, p: [[0, 1], [1, 1]]}
            layers:
              - conv: {filters: 8, kernel: $k, padding: $p}
        layers:
          - conv: {filters: 8, kernel: $k, padding: $p}
          - b: {k: $k}
          - b: {k: [3, 1], p: [[2, 0], [1, 1]]}
          - conv: {filters: 8, kernel: $kk, padding: $pp}
            each: {kk: [[1, 3], [3, 1]], pp: [[[0, 2], [1, 1]], [[1, 0], [0, 1]]]}
    """,
}

LAYER_BY_LAYER = {"names that are taken"}
"""Those whose code does not follow the spec: a counted name meets one that looks counted."""
