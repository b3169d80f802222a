"""Names for people who do not exist: family and given names with their reading, combined at random."""

from random import Random
from typing import NamedTuple

# Common names only, so that no combination points at anybody.
FAMILY = """
青木アオキ 秋山アキヤマ 浅野アサノ 安藤アンドウ 石井イシイ 石川イシカワ 伊藤イトウ 井上イノウエ 上田ウエダ
内田ウチダ 遠藤エンドウ 大野オオノ 岡田オカダ 岡本オカモト 小川オガワ 小野オノ 片山カタヤマ 加藤カトウ 金子カネコ
川口カワグチ 菊地キクチ 北村キタムラ 木下キノシタ 工藤クドウ 久保クボ 後藤ゴトウ 小林コバヤシ 近藤コンドウ
斉藤サイトウ 坂本サカモト 佐々木ササキ 佐藤サトウ 柴田シバタ 島田シマダ 清水シミズ 杉山スギヤマ 鈴木スズキ
高木タカギ 髙橋タカハシ 竹内タケウチ 田中タナカ 谷口タニグチ 千葉チバ 土屋ツチヤ 中島ナカジマ 永井ナガイ
中村ナカムラ 西村ニシムラ 野口ノグチ 橋本ハシモト 長谷川ハセガワ 林ハヤシ 原ハラ 平野ヒラノ 福田フクダ 藤井フジイ
藤田フジタ 星野ホシノ 前田マエダ 増田マスダ 松本マツモト 丸山マルヤマ 三浦ミウラ 水野ミズノ 宮崎ミヤザキ
村上ムラカミ 森モリ 山口ヤマグチ 山下ヤマシタ 山田ヤマダ 山本ヤマモト 横山ヨコヤマ 吉田ヨシダ 和田ワダ 渡邉ワタナベ
渡辺ワタナベ
"""
MALE = """
明アキラ 篤アツシ 勇イサム 一郎イチロウ 治オサム 一樹カズキ 和夫カズオ 克己カツミ 健ケン 健一ケンイチ 健太ケンタ
浩一コウイチ 浩二コウジ 悟サトル 茂シゲル 修一シュウイチ 昭ショウ 進ススム 誠マコト 正人マサト 学マナブ 実ミノル
直樹ナオキ 伸ノブ 昇ノボル 隆タカシ 拓也タクヤ 武タケシ 勉ツトム 徹トオル 俊介シュンスケ 翼ツバサ 智トモ
大輔ダイスケ 大地ダイチ 達也タツヤ 哲也テツヤ 裕太ユウタ 豊ユタカ 陽介ヨウスケ 義雄ヨシオ 亮リョウ 涼太リョウタ
"""
FEMALE = """
愛アイ 明美アケミ 麻美アサミ 綾アヤ 彩香アヤカ 絵美エミ 恵理エリ 香織カオリ 和子カズコ 京子キョウコ 久美クミ
恵子ケイコ 幸子サチコ 早苗サナエ 静香シズカ 順子ジュンコ 澄江スミエ 千夏チナツ 千恵チエ 智子トモコ 直美ナオミ
夏美ナツミ 奈々ナナ 典子ノリコ 春香ハルカ 久子ヒサコ 仁美ヒトミ 裕子ヒロコ 文子フミコ 真紀マキ 真理マリ 美香ミカ
美咲ミサキ 光代ミツヨ 美穂ミホ 恵メグミ 桃子モモコ 優ユウ 由美ユミ 百合ユリ 洋子ヨウコ 佳奈カナ 玲子レイコ
"""


class Name(NamedTuple):
    """A name as it is written (漢字) and read (カナ)."""

    family: str
    given: str
    family_kana: str
    given_kana: str

    @property
    def written(self) -> str:
        return f"{self.family} {self.given}"

    @property
    def read(self) -> str:
        return f"{self.family_kana} {self.given_kana}"


def draw_name(rng: Random, gender: str, family: tuple[str, str] | None = None) -> Name:
    """Return a name for somebody of this gender, of a given family if one is named."""
    written, read = family or rng.choice(_FAMILIES)
    given, given_read = rng.choice(_GIVEN[gender])
    return Name(written, given, read, given_read)


def _pairs(text: str) -> list[tuple[str, str]]:
    """Return written and read form of each: the reading begins with the first katakana."""
    split = (next(i for i, letter in enumerate(word) if "ァ" <= letter <= "ヶ") for word in text.split())
    return [(word[:i], word[i:]) for word, i in zip(text.split(), split, strict=True)]


_FAMILIES = _pairs(FAMILY)
_GIVEN = {"male": _pairs(MALE), "female": _pairs(FEMALE)}
